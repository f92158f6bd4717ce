// Predicts rows with onnxruntime-node: node predict.js model.onnx rows.json
// The rows are columns on the wire: numbers with null for missing, texts with null for missing.
const fs = require("fs");
const ort = require("onnxruntime-node");

function tensor(values, type) {
  const shape = [values.length, 1];
  if (type === "string") return new ort.Tensor("string", values.map((value) => value ?? ""), shape);
  return new ort.Tensor("float64", Float64Array.from(values, (value) => value ?? NaN), shape);
}

async function main(model, rows) {
  const session = await ort.InferenceSession.create(model);
  const columns = JSON.parse(fs.readFileSync(rows, "utf8"));
  const feeds = {};
  for (const input of session.inputMetadata) {
    feeds[input.name] = tensor(columns[input.name], input.type);
  }
  const outputs = await session.run(feeds);
  const printed = {};
  for (const [name, output] of Object.entries(outputs)) printed[name] = Array.from(output.data);
  console.log(JSON.stringify(printed));
}

main(process.argv[2], process.argv[3]);
