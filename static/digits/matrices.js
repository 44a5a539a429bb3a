// What stands in the three matrices of a comparison: raw, averaged, and their difference.

import { images, signed } from "../format.js";

const DIGITS = [...Array(10).keys()];
const LEAST_TOP = 5; // a single image stays a light tint, however few the largest cell has

/** The three matrices by kind ("raw", "ema", "difference"), each ten rows of ten cells; null without an average. */
export function matrices(comparison) {
  const { raw, ema } = comparison.confusion;
  const top = Math.max(LEAST_TOP, ...confusions(raw), ...(ema ? confusions(ema) : []));
  return {
    raw: cells((label, digit) => countCell(label, digit, raw[label][digit], top)),
    ema: ema && cells((label, digit) => countCell(label, digit, ema[label][digit], top)),
    difference: ema && differences(comparison),
  };
}

const cells = (make) => DIGITS.map((label) => DIGITS.map((digit) => make(label, digit)));

const confusions = (matrix) => matrix.flatMap((row, label) => row.filter((_, digit) => digit !== label));

function countCell(label, digit, value, top) {
  const off = label !== digit;
  return {
    label, digit, value, some: value > 0, text: value ? String(value) : "", tint: off ? tint(value, top) : 0,
    name: `${label} read ${off ? `as ${digit}` : "right"}: ${images(value)}`,
  };
}

/** The strength of a cell's tint in [0, 1]: the root of its share, so that single images are seen beside many. */
export const tint = (value, top) => Math.sqrt(Math.abs(value) / top);

/** Images that averaging brings into each cell, and takes out of it: two matrices. */
export function moves(disagreements) {
  const [gained, lost] = [cells(() => 0), cells(() => 0)];
  for (const { label, raw, ema } of disagreements) {
    lost[label][raw.digit] += 1;
    gained[label][ema.digit] += 1;
  }
  return { gained, lost };
}

function differences({ disagreements }) {
  const { gained, lost } = moves(disagreements);
  const net = (label, digit) => gained[label][digit] - lost[label][digit];
  const top = Math.max(LEAST_TOP, ...cells(net).flat().map(Math.abs));
  return cells((label, digit) => {
    const value = net(label, digit);
    const [into, out] = [gained[label][digit], lost[label][digit]];
    const some = into + out > 0;
    return {
      label, digit, value, some, text: some ? signed(value) : "", tint: tint(value, top),
      better: better(label === digit, value), name: `${pair(label, digit)}: ${change(value, into, out)}`,
    };
  });
}

const pair = (label, digit) => (label === digit ? `${label} read right` : `${label} read as ${digit}`);

/** Whose favour a difference is in: more on the diagonal is better, more beside it is worse. */
function better(right, value) {
  if (value === 0) return null;
  return value > 0 === right ? "ema" : "raw";
}

function change(value, into, out) {
  if (into + out === 0) return "the same images";
  const net = value === 0 ? "as many" : `${images(Math.abs(value))} ${value > 0 ? "more" : "fewer"}`;
  return into && out ? `${net} by averaging (${into} new, ${out} gone)` : `${net} by averaging`;
}

/** The cells beside the diagonal that have most images, as { label, digit, raw, ema }; of equals the first. */
export function mostFrequent({ confusion: { raw, ema } }, most) {
  const both = (label, digit) => ({ label, digit, raw: raw[label][digit], ema: ema?.[label][digit] ?? null });
  const weight = (cell) => cell.raw + (cell.ema ?? 0);
  return cells(both).flat()
    .filter((cell) => cell.label !== cell.digit && weight(cell) > 0)
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, most);
}
