// Both readings of one picture: digits, ten probabilities side by side, and the 28×28 that were read.

import { byId, element, setText } from "../dom.js";
import { averageLabel, count, percent } from "../format.js";

const DIGITS = [...Array(10).keys()];
const SHOWN_FROM = 0.0005; // a smaller probability has a bar of no width and no number

function bar(kind) {
  return element("td", { class: `bar ${kind}` }, element("div", {}, element("span", {})));
}

/** Make the ten rows once; readings then only change numbers and widths. */
export function setUpReading() {
  byId("reading-rows").replaceChildren(...DIGITS.map((digit) => element("tr", {},
    element("td", { class: "share raw" }), bar("raw"),
    element("th", { scope: "row", text: digit }),
    bar("ema"), element("td", { class: "share ema" }))));
}

function renderSide(row, kind, reading, digit) {
  const share = reading?.probabilities[digit] ?? 0;
  row.querySelector(`.bar.${kind} span`).style.width = `${share * 100}%`;
  setText(row.querySelector(`.share.${kind}`), share >= SHOWN_FROM ? percent(share, 1) : "");
  row.querySelector(`.bar.${kind}`).classList.toggle("top", reading?.digit === digit);
}

/** Show a reading, or with null that there is none. `ema` is the reading by the chosen average, or null. */
export function renderReading(reading, ema) {
  for (const [digit, row] of [...byId("reading-rows").rows].entries()) {
    renderSide(row, "raw", reading?.raw, digit);
    renderSide(row, "ema", ema, digit);
    row.classList.toggle("read", reading !== null && (reading.raw.digit === digit || ema?.digit === digit));
  }
  setText(byId("raw-digit"), reading ? String(reading.raw.digit) : "–");
  setText(byId("ema-digit"), ema ? String(ema.digit) : "–");
  byId("reading").classList.toggle("blank", !reading);
}

/** What the two readings come to, in a sentence. */
export function verdict({ raw }, ema) {
  const sure = (reading) => percent(reading.confidence, 1);
  if (!ema) return `The raw weights read a ${raw.digit} (${sure(raw)}); this run keeps no average.`;
  if (raw.digit === ema.digit) return `Both read a ${raw.digit}: raw ${sure(raw)}, averaged ${sure(ema)}.`;
  return `They disagree: raw reads a ${raw.digit} (${sure(raw)}), averaged a ${ema.digit} (${sure(ema)}).`;
}

/** What the averages other than the chosen one read, or nothing. */
export function others(run, reading, chosen) {
  return reading.averages
    .filter((a) => a.average !== chosen)
    .map((a) => `${averageLabel(run, a.average)} reads ${a.digit} (${percent(a.confidence, 1)})`)
    .join(" · ");
}

export const source = (run, reading) => `read at step ${count(reading.step)} of ${run.name}`;

/** Paint the pixels as they were read, `image` 28 rows of 28 in [0, 1]; null for none. Theme: ink on paper. */
export function renderPixels(image) {
  const canvas = byId("as-read");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, 28, 28);
  if (!image) return;
  context.fillStyle = getComputedStyle(canvas).color;
  for (const [y, line] of image.entries()) {
    for (const [x, value] of line.entries()) {
      context.globalAlpha = value;
      context.fillRect(x, y, 1, 1);
    }
  }
  context.globalAlpha = 1;
}
