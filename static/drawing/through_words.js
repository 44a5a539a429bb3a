// What is told beside the line of a digit's probability through training. `weights`: { digit,
// probabilities } of a set of weights, a value a step.

import { count } from "../format.js";

const TOLD = 3; // skipped steps that are named

/** The digit that is read on top at place `i` of a track: by the average, or raw where that is null. */
export const topDigit = ({ raw, averages }, average, i) => (average ? averages[average] : raw).digit[i];

/** Which checkpoints could not be read, in a sentence; "" where all could. */
export function skippedText(skipped) {
  if (!skipped.length) return "";
  const steps = skipped.slice(0, TOLD).map(({ step }) => count(step)).join(", ");
  const more = skipped.length > TOLD ? ` and ${count(skipped.length - TOLD)} more` : "";
  return `Left out, for ${skipped.length === 1 ? "it" : "they"} could not be read: step ${steps}${more}.`;
}
