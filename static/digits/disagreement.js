// Images that raw and averaged weights read differently: their kinds, their order, and each in a sentence.

import { percent } from "../format.js";


/** The kinds by the server's name, as the page calls them. */
export const KINDS = { fixed: "Averaging fixed", broke: "Averaging broke", both_wrong: "Both wrong" };

/** Those that both were most sure about first: by the sum of both confidences, of equals by place. */
export function byConfidence(disagreements) {
  const sure = ({ raw, ema }) => raw.confidence + ema.confidence;
  return [...disagreements].sort((a, b) => sure(b) - sure(a) || a.index - b.index);
}

/** How many there are of each kind, and of "all". */
export function counted(disagreements) {
  const counts = { all: disagreements.length, fixed: 0, broke: 0, both_wrong: 0 };
  for (const { kind } of disagreements) counts[kind] += 1;
  return counts;
}

const sure = ({ digit, confidence }) => `${digit} (${percent(confidence, 1)})`;

/** What both readings of an image of `label` come to; `ema` is null for a run that keeps no average. */
export function outcome(label, raw, ema) {
  if (!ema) return `${raw.digit === label ? "Read right" : "Read wrong"}: raw reads ${sure(raw)}.`;
  const both = `raw reads ${sure(raw)}, averaged ${sure(ema)}`;
  if (raw.digit === ema.digit) return `Both ${raw.digit === label ? "right" : "wrong alike"}: ${both}.`;
  if (ema.digit === label) return `Averaging fixed it: ${both}.`;
  return raw.digit === label ? `Averaging broke it: ${both}.` : `Both wrong, differently: ${both}.`;
}
