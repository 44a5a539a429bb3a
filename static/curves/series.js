// The curves of one split, and the points of them that stand out.

import { curve } from "../dashboard/history.js";
import { averageLabel } from "../format.js";

// Plotly's names and the same as text: what tells one average's curve from another's besides its shade.
const SYMBOLS = [
  ["circle", "●"], ["square", "■"], ["diamond", "◆"], ["triangle-up", "▲"],
  ["triangle-down", "▼"], ["star", "★"], ["cross", "✚"], ["x", "✖"],
];

/**
 * The raw weights' curve, then each average's: { name, key, label, symbol, sign, chosen, points }; Plotly knows
 * them by the key.
 */
export function series({ run, history, split, average }) {
  const averages = run.averages.map(({ name }, i) => ({
    name,
    key: `average${i}`,
    label: averageLabel(run, name),
    symbol: SYMBOLS[i % SYMBOLS.length][0],
    sign: SYMBOLS[i % SYMBOLS.length][1],
    chosen: name === average,
    points: curve(history, split, name),
  }));
  return [{ name: null, key: "raw", label: "raw", chosen: false, points: curve(history, split, null) }, ...averages];
}

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

/** By how many images (and which share) the average is ahead of raw, at each step where both are known. */
export function gaps(history, split, average) {
  const averaged = new Map(curve(history, split, average).map((e) => [e.step, e]));
  return curve(history, split, null).flatMap((raw) => {
    const other = averaged.get(raw.step);
    if (!other) return [];
    return [{ step: raw.step, images: other.correct - raw.correct, share: (other.correct - raw.correct) / raw.n }];
  });
}
