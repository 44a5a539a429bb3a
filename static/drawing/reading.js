// Both readings of one picture: digits, ten probabilities side by side, and the 28×28 that were read.

import { byId, setText } from "../dom.js";
import { article, count, decayName, percent } from "../format.js";
import { makeBars } from "../readings/bars.js";
import { paintPixels } from "./pixels.js";

let showBars;

/** Make the ten rows once; readings then only change numbers and widths. `onDigit(digit)` follows a click on a row. */
export function setUpReading(onDigit) {
  const table = byId("reading");
  showBars = makeBars(table);
  table.tBodies[0].addEventListener("click", ({ target }) => {
    const row = target.closest("tr");
    if (row) onDigit([...table.tBodies[0].rows].indexOf(row));
  });
}

/**
 * Show a reading, or with null that there is none. `ema` is the reading by the chosen average, or null; `label` the
 * digit that it is, `followed` the one that is followed through training, each null where there is none.
 */
export function renderReading(reading, ema, label, followed) {
  const table = byId("reading");
  showBars(reading?.raw ?? null, ema, label);
  for (const [digit, row] of [...table.tBodies[0].rows].entries()) row.classList.toggle("followed", digit === followed);
  setText(byId("raw-digit"), reading ? String(reading.raw.digit) : "–");
  setText(byId("ema-digit"), ema ? String(ema.digit) : "–");
  table.classList.toggle("blank", !reading);
}

/** What the two readings come to, in a sentence. */
export function verdict({ raw }, ema) {
  const sure = (reading) => percent(reading.confidence, 1);
  if (!ema) return `Raw reads ${article(raw.digit)} ${raw.digit} (${sure(raw)}); this run keeps no average.`;
  const same = raw.digit === ema.digit;
  if (same) return `Both read ${article(raw.digit)} ${raw.digit}: raw ${sure(raw)}, averaged ${sure(ema)}.`;
  return `They disagree: raw ${raw.digit} (${sure(raw)}), averaged ${ema.digit} (${sure(ema)}).`;
}

/** What the averages other than the chosen one read, or nothing. */
export function others(run, reading, chosen) {
  const told = reading.averages
    .filter(({ average }) => average !== chosen)
    .map(({ average, digit, confidence }) => {
      const decay = decayName(run.averages.find(({ name }) => name === average));
      return `${decay} reads ${digit} (${percent(confidence, 1)})`;
    });
  return told.length ? `averaged ${told.join(" · ")}` : "";
}

export const source = (run, reading) => `read at step ${count(reading.step)} of ${run.name}`;

/** Show the pixels as they were read, 28 rows of 28 in [0, 1], or null for none. Theme: ink on paper. */
export function renderPixels(image) {
  const canvas = byId("as-read");
  const context = canvas.getContext("2d");
  if (image) paintPixels(context, image, getComputedStyle(canvas).color);
  else context.clearRect(0, 0, canvas.width, canvas.height);
}
