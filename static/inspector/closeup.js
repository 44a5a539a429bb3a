// One variable close up: its histogram over those of its averages, its numbers, and, of a small one, its values.

import { readVariable } from "../api.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { averageLabel, bytesText, count, percent, significant } from "../format.js";
import { chosenAverage, shapeText } from "./family.js";
import { binText, drawHistogram } from "./histogram.js";

const FEW = 12; // values: fewer are told one by one, and make no distribution
const KEYS = { raw: "raw-key", average: "ema-key" };

const signed = (value, digits = 5) => significant(value, digits).replace("-", "−");

/** Wire the panel; returns the renderer. */
export function setUpCloseup(state) {
  let asked = null;
  let drawn = null;
  let bins = null;
  const figure = byId("histogram");
  for (const radio of document.querySelectorAll("input[name=scale]")) {
    radio.addEventListener("change", () => state.set({ scale: radio.value }));
  }
  figure.addEventListener("pointermove", (event) => {
    const { closeup, run } = state.get();
    const bin = bins?.binAt(event) ?? null;
    if (bin === null || !closeup?.histogram) return;
    const named = closeup.variables.map(({ name, kind, average }) =>
      [kind === "average" ? shortName(average, closeup, run) : kind, closeup.histogram.counts[name]]);
    setText(byId("histogram-readout"), binText(closeup.histogram.edges, bin, named));
  });
  figure.addEventListener("pointerleave", () => {
    bins?.leave();
    setText(byId("histogram-readout"), "");
  });

  async function read({ place, name }) {
    const key = JSON.stringify([place.run, place.step, name]);
    if (key === asked) return;
    asked = key;
    state.set({ closeupProblem: null });
    try {
      const closeup = await readVariable(place.run, place.step, name);
      if (key === asked) state.set({ closeup });
    } catch (problem) {
      if (key === asked) state.set({ closeup: null, closeupProblem: problem.message });
    }
  }

  return (now) => {
    const { place, variables, name, closeup, closeupProblem, scale, themed } = now;
    const average = chosenAverage(now);
    if (place && variables && name) read(now);
    else asked = null;
    for (const radio of document.querySelectorAll("input[name=scale]")) radio.checked = radio.value === scale;
    byId("closeup-problem").hidden = !closeupProblem;
    setText(byId("closeup-problem"), closeupProblem ?? "");
    byId("closeup-content").hidden = !closeup;
    if (!closeup) setText(byId("closeup-title"), name ?? "No variable is chosen");
    const next = [closeup, average, scale, themed];
    if (!closeup || next.every((value, i) => value === drawn?.[i])) return;
    drawn = next;
    setText(byId("closeup-title"), closeup.variables[0].name);
    const { shape, dtype, size, bytes } = closeup.variables[0];
    const values = size === 1 ? "" : `${count(size)} values · `;
    setText(byId("closeup-caption"), `${shapeText(shape)} · ${dtype} · ${values}${bytesText(bytes)}`);
    bins = drawFigure(figure, closeup, average, scale);
    byId("histogram-rest").hidden = bins === null;
    const front = inFront(closeup, average);
    const columns = front && front !== closeup.variables[0] ? [closeup.variables[0], front] : [closeup.variables[0]];
    setChildren(byId("closeup-numbers"), ...numbers(columns, closeup, now.run));
    setChildren(byId("closeup-values"), ...valueRows(columns));
  };
}

/** The average that is shown in front: the chosen one, where the variable has it. */
const inFront = ({ variables }, average) =>
  variables.find((one) => one.kind === "average" && one.average === average) ?? variables.find(({ kind }) => kind === "average");

/** What an average is called beside its raw variable. */
function shortName(average, { variables }, run) {
  const several = variables.filter(({ kind }) => kind === "average").length > 1;
  return several && !run.averages.some(({ name }) => name === average) ? average : averageLabel(run, average);
}

function drawFigure(figure, closeup, average, scale) {
  const { histogram, variables } = closeup;
  if (!histogram || variables[0].size < FEW) {
    figure.replaceChildren();
    return null;
  }
  const front = inFront(closeup, average);
  const others = variables.filter((one) => one.kind === "average" && one !== front);
  const classed = [...others.map((one) => [one, "other-outline"]), ...(front ? [[front, "ema-outline"]] : []),
    [variables[0], variables[0].kind === "raw" ? "raw-outline" : "plain-outline"]];
  const lines = classed.map(([{ name }, className]) => ({ counts: histogram.counts[name], className }));
  const label = `Histogram of ${variables.map(({ name }) => name).join(", ")}`;
  return drawHistogram(figure, { edges: histogram.edges, lines, scale, label });
}

const ROWS = [
  ["mean", signed], ["std", signed], ["min", signed], ["max", signed], ["zeros", (v) => percent(v, 2)],
  ["non_finite", count], ["distance", percent], ["cosine", (v) => v.toFixed(6)],
];
const TITLES = { std: "standard deviation", zeros: "share of zeros", non_finite: "not finite", distance: "distance to raw" };

/** A table: a column of the variable, and one of the average that is shown. */
function numbers(columns, closeup, run) {
  const heads = columns.map(({ kind, average }) => element("th", { scope: "col" },
    element("span", { class: KEYS[kind] ?? null, text: kind === "average" ? shortName(average, closeup, run) : kind })));
  const rows = ROWS.filter(([key]) => columns.some((variable) => variable[key] !== null)).map(([key, text]) =>
    element("tr", {}, element("th", { scope: "row", text: TITLES[key] ?? key }),
      ...columns.map((variable) => element("td", { text: variable[key] === null ? "" : text(variable[key]) }))));
  return [element("thead", {}, element("tr", {}, element("td"), ...heads)), element("tbody", {}, ...rows)];
}

/** All values of a small variable by their place, beside those of its average. */
function valueRows(columns) {
  const [{ values, shape }] = columns;
  if (values === null) return [];
  const flat = columns.map((variable) => [variable.values].flat(Infinity));
  const title = (i) => (shape.length ? placeText(i, shape) : "value");
  return [element("tbody", {}, ...flat[0].map((_, i) => valueRow(title(i), flat.map((of) => of[i]))))];
}

const valueRow = (title, cells) => element("tr", {},
  element("th", { scope: "row", text: title }),
  ...cells.map((value) => element("td", { text: valueText(value) })));

/** A value with all its digits. */
export const valueText = (value) => (value === null ? "not finite" : String(value).replace("-", "−"));

/** The place of the i-th value of a shape, as an index: [1, 0]. */
export function placeText(i, shape) {
  const place = [];
  for (const length of shape.toReversed()) {
    place.unshift(i % length);
    i = Math.floor(i / length);
  }
  return `[${place.join(", ")}]`;
}
