// The line of one digit's probability through training, and what is told beside it. `weights`: { digit,
// probabilities } of a set of weights, a value a step.

import { toPlace } from "../curves/axis.js";
import { count } from "../format.js";

export const SIZE = 1000; // of the drawing both ways, which is stretched to its place

const TOLD = 3; // skipped steps that are named

/** The line as text for an SVG path, 1 at the top; steps for which the axis has no place are left out. */
export function linePath(axis, steps, { probabilities }, digit) {
  return steps
    .map((step, i) => [SIZE * toPlace(axis, step), SIZE * (1 - probabilities[i][digit])])
    .filter(([x]) => Number.isFinite(x))
    .map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");
}

/** The digit that is read on top at place `i` of a track: by the average, or raw where that is null. */
export const topDigit = ({ raw, averages }, average, i) => (average ? averages[average] : raw).digit[i];

/** Which checkpoints could not be read, in a sentence; "" where all could. */
export function skippedText(skipped) {
  if (!skipped.length) return "";
  const steps = skipped.slice(0, TOLD).map(({ step }) => count(step)).join(", ");
  const more = skipped.length > TOLD ? ` and ${count(skipped.length - TOLD)} more` : "";
  return `Left out, for ${skipped.length === 1 ? "it" : "they"} could not be read: step ${steps}${more}.`;
}
