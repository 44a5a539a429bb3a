// A grid of ten by ten cells: one stop of the Tab key, arrow keys within, Enter opens.

import { element } from "../dom.js";

const DIGITS = [...Array(10).keys()];
const WAYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/**
 * Fill `table` with the cells, rows by label and columns by digit. `onOpen(label, digit)` follows a click or Enter,
 * `onLook(label, digit)` pointer and focus (null, null: neither). Returns the cells, by label and digit.
 */
export function makeGrid(table, onOpen, onLook) {
  const head = (digit, scope) => element("th", { scope, text: digit });
  const cells = DIGITS.map((label) => DIGITS.map((digit) => element("td", {
    role: "gridcell", class: label === digit ? "right" : "", "data-label": label, "data-digit": digit,
    tabindex: label + digit === 0 ? "0" : "-1",
  })));
  table.append(
    element("thead", {}, element("tr", {}, element("td"), ...DIGITS.map((digit) => head(digit, "col")))),
    element("tbody", {}, ...cells.map((row, label) => element("tr", {}, head(label, "row"), ...row))));
  const at = ({ target }) => {
    const cell = target.closest("td[data-label]");
    return cell && [Number(cell.dataset.label), Number(cell.dataset.digit)];
  };

  function stopAt(label, digit) {
    table.querySelector("[tabindex='0']").setAttribute("tabindex", "-1");
    cells[label][digit].setAttribute("tabindex", "0");
  }

  table.addEventListener("click", (event) => at(event) && onOpen(...at(event)));
  table.addEventListener("pointerover", (event) => onLook(...(at(event) ?? [null, null])));
  table.addEventListener("pointerleave", () => onLook(null, null));
  table.addEventListener("focusin", (event) => {
    if (!at(event)) return;
    stopAt(...at(event));
    onLook(...at(event));
  });
  table.addEventListener("focusout", () => onLook(null, null));
  table.addEventListener("keydown", (event) => {
    const place = at(event);
    if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = target(event.key, ...place);
    if (next) cells[next[0]][next[1]].focus();
    else if (event.key === "Enter" || event.key === " ") onOpen(...place);
    else return;
    event.preventDefault();
  });
  return cells;
}

function target(key, label, digit) {
  if (key === "Home") return [label, 0];
  if (key === "End") return [label, 9];
  if (!(key in WAYS)) return null;
  const within = (value) => Math.max(0, Math.min(9, value));
  return [within(label + WAYS[key][0]), within(digit + WAYS[key][1])];
}
