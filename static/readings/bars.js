// Two readings of one picture as ten pairs of bars: raw grows to the left, averaged to the right, so agreement is
// symmetry.

import { element, setText } from "../dom.js";
import { percent } from "../format.js";

const DIGITS = [...Array(10).keys()];
const SHOWN_FROM = 0.0005; // a smaller probability has a bar of no width and no number

/**
 * Fill `table` with the ten rows; returns `show(raw, ema, label)`: readings { digit, probabilities } or null, and the
 * digit that it is where that is known.
 */
export function makeBars(table) {
  const bar = (kind) => element("td", { class: `bar ${kind}` }, element("div", {}, element("span", {})));
  const share = (kind) => element("td", { class: `share ${kind}` });
  const rows = DIGITS.map((digit) => element("tr", {},
    share("raw"), bar("raw"), element("th", { scope: "row" }, element("span", { text: digit })),
    bar("ema"), share("ema")));
  table.append(element("tbody", {}, ...rows));

  function showSide(row, kind, reading, digit) {
    const value = reading?.probabilities[digit] ?? 0;
    row.querySelector(`.bar.${kind} span`).style.width = `${value * 100}%`;
    setText(row.querySelector(`.share.${kind}`), value >= SHOWN_FROM ? percent(value, 1) : "");
  }

  return function show(raw, ema, label = null) {
    for (const [digit, row] of rows.entries()) {
      showSide(row, "raw", raw, digit);
      showSide(row, "ema", ema, digit);
      row.classList.toggle("read", raw?.digit === digit || ema?.digit === digit);
      row.classList.toggle("true", label === digit);
    }
  };
}
