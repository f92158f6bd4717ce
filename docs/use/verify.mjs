// Replays the rows that a model file carries: node verify.mjs model.onnx
import { existsSync, readFileSync } from "node:fs";
import ort from "onnxruntime-node";

const TOLERANCE = 1e-4; // of an output's largest number

/** Notes of a model file: field 14 of ModelProto, each with a key (1) and a value (2). */
function notes(bytes) {
  const found = {};
  for (const [field, value] of fields(bytes)) {
    if (field !== 14) continue;
    const entry = Object.fromEntries(fields(value));
    found[Buffer.from(entry[1]).toString()] = Buffer.from(entry[2]).toString();
  }
  return found;
}

/** Numbers and contents of the fields of a message that hold bytes. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let [value, scale] = [0, 1];
    for (; bytes[at] > 127; scale *= 128) value += (bytes[at++] & 127) * scale;
    return value + bytes[at++] * scale;
  };
  while (at < bytes.length) {
    const key = varint();
    const size = { 0: 0, 1: 8, 2: -1, 5: 4 }[key & 7];
    if (size === 0) varint();
    else if (size > 0) at += size;
    else {
      const length = varint();
      yield [Math.floor(key / 8), bytes.subarray(at, (at += length))];
    }
  }
}

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, uint8: Uint8Array };

/** Of a wire such as "text", "number" or "float64[3]", whose rows are lists of 3 numbers. */
function tensor(values, wire) {
  if (wire === "text") return new ort.Tensor("string", values.map((value) => value ?? ""), [values.length, 1]);
  const [, type, sizes] = wire.match(/^(\w+)\[(.+)\]$/) ?? [wire, "float64", "1"];
  const shape = sizes.split(",").map(Number);
  const missing = Array(shape.reduce((most, size) => most * size)).fill(null);
  const flat = values.flatMap((row) => (row === null ? missing : [row].flat(Infinity)));
  const blank = type.startsWith("float") ? NaN : 0;
  const element = (value) => (type === "int64" ? BigInt(value ?? blank) : value ?? blank);
  return new ort.Tensor(type, ARRAYS[type].from(flat, element), [values.length, ...shape]);
}

function fail(reason) {
  console.error(reason);
  process.exit(2);
}

/** The notes of a file; none if it is no ONNX file. */
function read(path) {
  if (!path) fail("Usage: node verify.mjs model.onnx");
  if (!existsSync(path)) fail(`${path}: there is no such file`);
  try {
    return notes(readFileSync(path));
  } catch {
    return {};
  }
}

const path = process.argv[2];
const known = read(path);
if (!known.replay) fail(`${path}: not a model file of onward`);
const { rows, predictions } = JSON.parse(known.replay);
const columns = JSON.parse(known.schema).columns.map(({ name, wire }) => [name, tensor(rows[name], wire)]);
const session = await ort.InferenceSession.create(path);
const outputs = await session.run(Object.fromEntries(columns));

let worst = 0;
let labels = 0;
for (const [name, wanted] of Object.entries(predictions)) {
  const flat = wanted.flat();
  const got = Array.from(outputs[name].data);
  if (name === "label") labels = flat.filter((label, row) => label !== got[row]).length;
  else {
    const scale = flat.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    worst = flat.reduce((most, value, row) => Math.max(most, Math.abs(value - got[row]) / scale), worst);
  }
}
const isSame = labels === 0 && worst <= TOLERANCE;
console.log(`${path}: other labels ${labels}, largest difference ${worst.toExponential(1)}: ${isSame ? "ok" : "differs"}`);
process.exit(isSame ? 0 : 1);
