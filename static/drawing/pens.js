// The pen's width: one of three, kept in this browser.

import { keep, recall } from "./storage.js";

const KEY = "shadowboard-pen";

// Shares of the sheet's side. The middle one is read best over small and large drawings: a digit of a third of the
// sheet is still open inside, and thin strokes of a large one are thickened before they are read.
const WIDTHS = { fine: 0.04, medium: 0.06, broad: 0.09 };

/** Wire the choice of pens; `onChange` follows another pen. → { width, next(by) } */
export function setUpPens(onChange) {
  const radios = [...document.querySelectorAll("input[name=pen]")];
  const chosen = () => radios.find((radio) => radio.checked).value;
  const known = Object.hasOwn(WIDTHS, recall(KEY) ?? "") ? recall(KEY) : "medium";

  function choose(name) {
    for (const radio of radios) radio.checked = radio.value === name;
    keep(KEY, name);
    onChange();
  }

  for (const radio of radios) {
    radio.checked = radio.value === known;
    radio.addEventListener("change", () => choose(radio.value));
  }
  return {
    width: () => WIDTHS[chosen()],
    /** The next broader pen, or with -1 the next finer one. */
    next(by) {
      const names = Object.keys(WIDTHS);
      const name = names[names.indexOf(chosen()) + by];
      if (name) choose(name);
    },
  };
}
