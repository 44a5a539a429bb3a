// The curves of one split, and the points of them that stand out.

import { curve } from "../dashboard/history.js";
import { averageLabel } from "../format.js";

// Plotly's names and the same as text: what tells one average's curve from another's besides its shade.
const SYMBOLS = [
  ["circle", "●"], ["square", "■"], ["diamond", "◆"], ["triangle-up", "▲"],
  ["triangle-down", "▼"], ["star", "★"], ["cross", "✚"], ["x", "✖"],
];

const CHANCE = 0.05; // the p of McNemar's test from which on a gap may be chance, as the server's verdicts have it

/** The raw weights, then each average: { name, key, label, symbol, sign, chosen }; Plotly knows them by the key. */
export function weightsOf(run, average) {
  const averages = run.averages.map(({ name }, i) => ({
    name,
    key: `average${i}`,
    label: averageLabel(run, name),
    symbol: SYMBOLS[i % SYMBOLS.length][0],
    sign: SYMBOLS[i % SYMBOLS.length][1],
    chosen: name === average,
  }));
  return [{ name: null, key: "raw", label: "raw", chosen: false }, ...averages];
}

/** The same with their curves as `points`. */
export const series = ({ run, history, split, average }) =>
  weightsOf(run, average).map((one) => ({ ...one, points: curve(history, split, one.name) }));

/** The index of the value nearest to `target` in ascending `values` (of two, the later one), or -1 without values. */
export function nearest(values, target) {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < target) low = middle + 1;
    else high = middle;
  }
  return low > 0 && target - values[low - 1] < values[low] - target ? low - 1 : high < 0 ? -1 : low;
}

/** The step at which a set of weights reads most validation images right, of equals the earliest; or null. */
export function bestStep(history, average) {
  let best = null;
  for (const point of curve(history, "validation", average)) {
    if (best === null || point.correct > best.correct) best = point;
  }
  return best?.step ?? null;
}

/**
 * By how many images (and which share) the average is ahead of raw, at each step where both are known; `kind`:
 * "clear" where that is beyond chance, "chance" where it is not, "untested" as long as the server has not told.
 */
export function gaps({ history, split, average, overall }) {
  const averaged = new Map(curve(history, split, average).map((e) => [e.step, e]));
  const p = new Map(overall?.step.map((step, i) => [step, overall.p_value[i]]));
  return curve(history, split, null).flatMap((raw) => {
    const other = averaged.get(raw.step);
    if (!other) return [];
    const images = other.correct - raw.correct;
    return [{ step: raw.step, images, share: images / raw.n, kind: kindOf(p.get(raw.step)) }];
  });
}

const kindOf = (p) => (p === undefined ? "untested" : p < CHANCE ? "clear" : "chance");
