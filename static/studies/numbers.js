// The numbers of a study's tables, and the scales of their bars.

import { count } from "../format.js";

const FAR_OFF = 2; // times the median error
const LARGE = 0.01; // a difference that would press those of a few images flat

/** `p = 0.043`, `p < 0.001`; what is significant is not rounded to what is not. */
export function pText(p) {
  if (p === null) return "";
  if (p < 0.001) return "p < 0.001";
  return `p = ${Number((p < 0.05 ? Math.min(p, 0.049) : p).toPrecision(2))}`;
}

/** The steps that were chosen: one, or from the lowest to the highest. */
export function steps(chosen) {
  const [low, high] = [Math.min(...chosen), Math.max(...chosen)];
  return low === high ? count(low) : `${count(low)}–${count(high)}`;
}

/** [low, high] of the accuracies' ranges on the test images, without those that are far below the others. */
export function accuracyScale(rows) {
  const found = rows.map(({ test }) => test).filter(Boolean);
  if (!found.length) return [0, 1];
  const errors = found.map(({ mean }) => 1 - mean).sort((a, b) => a - b);
  const usual = found.filter(({ mean }) => 1 - mean <= FAR_OFF * errors[0]);
  return [Math.min(...usual.map(({ lowest }) => lowest)), Math.max(...usual.map(({ highest }) => highest))];
}

/** [low, high] of the differences' intervals, with 0; without those of large differences where there are others. */
export function differenceScale(rows) {
  const found = rows.map(({ difference }) => difference).filter((one) => one?.interval);
  const small = found.filter(({ mean }) => Math.abs(mean) < LARGE);
  const intervals = (small.length ? small : found).map(({ interval }) => interval);
  return [Math.min(0, ...intervals.map(([low]) => low)), Math.max(0, ...intervals.map(([, high]) => high))];
}
