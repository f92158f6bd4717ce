"use strict";
const SHOWN = 10; // classes
const form = document.querySelector("form");
const result = document.querySelector("#result");
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const response = await fetch(form.dataset.url, { method: "POST", body: JSON.stringify([row()]) });
    const answer = await response.json();
    show(response.ok ? sentence(answer.predictions[0]) : answer.error, !response.ok);
    if (response.ok) bars(answer.predictions[0].probabilities ?? {});
  } catch (error) {
    show(`The server did not answer: ${error.message}`, true);
  }
});

function row() {
  const inputs = [...form.querySelectorAll("input")];
  return Object.fromEntries(inputs.map((input) => [input.name, value(input)]));
}

function value(input) {
  if (input.value === "") return null;
  if (input.dataset.wire.includes("[")) return list(input);
  return input.type === "number" ? Number(input.value) : input.value;
}

function list(input) {
  try {
    return JSON.parse(input.value);
  } catch {
    return input.value; // the server says what it expects
  }
}

function sentence(prediction) {
  const target = form.dataset.target;
  if ("label" in prediction) {
    const share = prediction.probabilities?.[prediction.label];
    return `${target} is predicted to be ${prediction.label}${share === undefined ? "" : ` (probability ${percent.format(share)})`}.`;
  }
  if (!("value" in prediction)) return `${target}: ${JSON.stringify(prediction)}.`;
  const range = prediction.lower < prediction.upper
    ? `, and most likely between ${number.format(prediction.lower)} and ${number.format(prediction.upper)}` : "";
  return `${target} is predicted to be ${number.format(prediction.value)}${range}.`;
}

function show(text, isError) {
  const line = document.createElement("p");
  line.textContent = text;
  result.replaceChildren(line);
  result.classList.toggle("error", isError);
  result.hidden = false;
}

function bars(probabilities) {
  const likeliest = Object.entries(probabilities).sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
  for (const [name, share] of likeliest) {
    const line = document.createElement("div");
    line.className = "share";
    const parts = ["span", "i", "b"].map((tag) => document.createElement(tag));
    parts[0].textContent = name;
    parts[1].style.width = `${100 * share}%`;
    parts[2].textContent = percent.format(share);
    line.append(...parts);
    result.append(line);
  }
}
