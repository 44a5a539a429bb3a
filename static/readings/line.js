// The line of one digit's probability through training, as an SVG path.

import { toPlace } from "../curves/axis.js";

export const SIZE = 1000; // of the drawing both ways, which is stretched to its place

/**
 * The line of `probabilities`, ten a step, as text for a path, 1 at the top; steps for which the axis has no place are
 * left out.
 */
export function linePath(axis, steps, { probabilities }, digit) {
  return steps
    .map((step, i) => [SIZE * toPlace(axis, step), SIZE * (1 - probabilities[i][digit])])
    .filter(([x]) => Number.isFinite(x))
    .map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");
}
