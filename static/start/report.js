// What a run takes from a checkpoint before its first step, as GET …/start and POST /runs/preview tell it.

import { element } from "../dom.js";
import { count, decayName } from "../format.js";

const TAIL = "/.ATTRIBUTES/VARIABLE_VALUE"; // of the names in an object-based checkpoint
const WHY = {
  asked: () => "as asked",
  missing: () => "not in the checkpoint",
  shape: ({ found }) => `there it is ${shapeText(found)}`,
};

/** A report as elements: a sentence, then a row for each variable that is taken, initialised afresh, or left over. */
export function reportParts({ sentence, taken, fresh, left_over: left }) {
  return [
    element("p", { class: "start-sentence", text: sentence }),
    ...group("Taken", taken, takenParts),
    ...group("Afresh", fresh, (one) => [...named(one.variable, one.shape), note(WHY[one.why](one))]),
    ...group("Left over", left, (one) => named(one.name, one.shape)),
  ];
}

function group(title, rows, parts) {
  if (!rows.length) return [];
  const list = element("ul", {}, ...rows.map((row) => element("li", {}, ...parts(row))));
  return [element("div", { class: "start-part" }, element("p", { class: "start-kind", text: title }), list)];
}

function takenParts({ variable, shape, name, factor }) {
  const times = factor === 1 ? "" : ` × ${factor}`;
  const short = name.replace(TAIL, "");
  const from = short === variable && !times ? note("the same name") : element("span", {}, "← ", code(short), times);
  return [...named(variable, shape), from];
}

const code = (text) => element("code", { text });
const note = (text) => element("span", { class: "caption", text });
const named = (name, shape) => [code(name), note(shapeText(shape))];

/** 784 × 500. */
const shapeText = (shape) => shape.map(count).join(" × ") || "a single value";

/** Which weights a start takes: raw, or averaged and which average of the run `source` that is, where it is known. */
export function weightsText({ average }, source) {
  if (!average) return "raw weights";
  const known = source?.averages.find(({ name }) => name === average);
  return `averaged weights (${known && known.decay !== null ? `decay ${decayName(known)}` : average})`;
}

/** The last part of a folder's path. */
export const folderName = (path) => path.replace(/\/+$/, "").split("/").at(-1) || path;

/** A sentence of the server about a start, where it stands beside the knob. */
export const withoutKnob = (sentence) => sentence.replace(/^start_from is not possible: /, "");
