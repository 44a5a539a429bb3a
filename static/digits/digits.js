// The panel "Digit by digit": how many images of each digit either set of weights reads right.

import { byId, element, setChildren, setText } from "../dom.js";
import { count, images, signed } from "../format.js";
import { shownComparison } from "./panel.js";
import { closeUp, place, tickLabels } from "./scale.js";

const DIGITS = [...Array(10).keys()];

/** Make the ten rows once; comparisons then only move dots and change numbers. Returns the renderer. */
export function setUpDigits() {
  const rows = DIGITS.map(makeRow);
  byId("digits-rows").replaceChildren(...rows.map(({ row }) => row));
  let shown = null;

  return (now) => {
    if (!now.run) return;
    const comparison = shownComparison(byId("digits-panel"), now);
    if (!comparison || comparison === shown) return;
    shown = comparison;
    const digits = comparison.per_digit;
    byId("digits-table").classList.toggle("raw-only", !comparison.ema);
    setChildren(byId("digits-summary"), ...summary(comparison));
    const shares = digits.flatMap((d) => [d.raw_accuracy, d.ema_accuracy]).filter((share) => share !== null);
    const axis = closeUp(shares);
    renderAxis(axis);
    digits.forEach((digit, i) => renderRow(rows[i], digit, axis));
  };
}

function makeRow(digit) {
  const mark = (kind) => element("i", { class: kind });
  const [link, raw, ema] = [mark("link"), mark("dot raw"), mark("dot ema")];
  const plot = element("div", { class: "plot" }, link, raw, ema);
  const cells = ["share raw", "share ema", "gap"].map((kind) => element("td", { class: kind }));
  const row = element("tr", {}, element("th", { scope: "row", text: digit }),
    element("td", { class: "plot-cell", "aria-hidden": "true" }, plot), ...cells);
  return { row, plot, link, raw, ema, cells };
}

function renderRow({ row, plot, link, raw, ema, cells }, digit, axis) {
  const { n, raw_accuracy: before, ema_accuracy: after } = digit;
  const gap = after === null ? 0 : digit.ema_correct - digit.raw_correct;
  plot.hidden = n === 0;
  row.dataset.better = gap > 0 ? "ema" : gap < 0 ? "raw" : "neither";
  raw.style.setProperty("--at", place(axis, before ?? axis.low));
  ema.style.setProperty("--at", place(axis, after ?? before ?? axis.low));
  ema.hidden = after === null;
  const [from, to] = [Math.min(before, after ?? before), Math.max(before, after ?? before)];
  link.style.left = `${place(axis, from)}%`;
  link.style.width = `${place(axis, to) - place(axis, from)}%`;
  const share = (value) => (value === null ? "–" : (100 * value).toFixed(2));
  setText(cells[0], share(before));
  setText(cells[1], share(after));
  setText(cells[2], after === null ? "" : signed(gap));
  row.title = n === 0 ? "No image of this digit" : title(digit);
}

function title({ digit, n, raw_correct: before, ema_correct: after }) {
  const averaged = after === null ? "" : `, averaged ${count(after)}`;
  return `Of ${images(n)} of ${digit}: raw reads ${count(before)} right${averaged}`;
}

function renderAxis(axis) {
  byId("digits-table").style.setProperty("--parts", axis.ticks.length - 1);
  const labels = tickLabels(axis);
  setChildren(byId("digits-axis"), ...axis.ticks.map((tick, i) => {
    const label = element("span", { text: labels[i] });
    label.style.left = `${place(axis, tick)}%`;
    return label;
  }));
}

/** Which digits gain and which lose, in words. */
function summary({ per_digit: digits, ema }) {
  const listed = (found) => joined(found.map(({ digit }) => digit));
  if (!ema) {
    const known = digits.filter(({ n }) => n > 0);
    const least = Math.min(...known.map((d) => d.raw_accuracy));
    const hardest = listed(known.filter((d) => d.raw_accuracy === least));
    return [`Hardest for the raw weights: ${hardest}. This run keeps no average.`];
  }
  const gains = digits.filter((d) => d.ema_correct > d.raw_correct);
  const losses = digits.filter((d) => d.ema_correct < d.raw_correct);
  if (!gains.length && !losses.length) return ["Of every digit both read the same number right."];
  const digit = (found) => element("b", { text: listed(found) });
  if (!losses.length) return ["Averaging gains at ", digit(gains), " and loses nowhere."];
  if (!gains.length) return ["Averaging loses at ", digit(losses), " and gains nowhere."];
  return ["Averaging gains at ", digit(gains), ", loses at ", digit(losses), "."];
}

/** "1", "1 and 4", "1, 2 and 4". */
export function joined(values) {
  return values.length < 2 ? String(values[0] ?? "") : `${values.slice(0, -1).join(", ")} and ${values.at(-1)}`;
}
