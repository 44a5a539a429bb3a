// The drawings that this browser keeps, each with the digit that it is: a list of values, newest first.

import { fromText, toText } from "./pixels.js";
import { keep, recall } from "./storage.js";

export const MOST = 24;
const KEY = "shadowboard-drawings";
const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const FINENESS = 1e4; // to 1/10,000 of the sheet

/** A list with one drawing more, or with another in the place of the one with its id; the oldest make room. */
export function withDrawing(list, drawing) {
  const place = list.findIndex(({ id }) => id === drawing.id);
  return place < 0 ? [drawing, ...list].slice(0, MOST) : list.with(place, drawing);
}

export const without = (list, id) => list.filter((drawing) => drawing.id !== id);

/** The list as text: 28×28 pixels in Base64, strokes as rows of numbers. */
export function written(list) {
  const round = (value) => Math.round(value * FINENESS) / FINENESS;
  return JSON.stringify(list.map(({ id, label, told, pixels, strokes }) => ({
    id, label, told, pixels: toText(pixels),
    strokes: strokes.map(({ width, points }) => [width, ...points.flatMap(({ x, y }) => [round(x), round(y)])]),
  })));
}

/** The list of a text; whatever in it is no drawing is left out. */
export function listed(text) {
  let found;
  try {
    found = JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
  return Array.isArray(found) ? found.map(drawingOf).filter(Boolean).slice(0, MOST) : [];
}

function drawingOf(value) {
  if (typeof value?.id !== "string" || !DIGITS.includes(value.label)) return null;
  const pixels = fromText(value.pixels);
  const told = typeof value.told === "string" ? value.told : "";
  return pixels && { id: value.id, label: value.label, told, pixels, strokes: strokesOf(value.strokes) };
}

/** Strokes that cannot be read are left out: the pixels show the drawing as well. */
function strokesOf(rows) {
  const good = (row) => Array.isArray(row) && row.length >= 3 && row.length % 2 === 1 && row.every(Number.isFinite);
  if (!Array.isArray(rows) || !rows.every(good)) return [];
  return rows.map(([width, ...places]) => ({
    width, points: Array.from({ length: places.length / 2 }, (_, i) => ({ x: places[2 * i], y: places[2 * i + 1] })),
  }));
}

/** The list of this browser; `onChange` follows every change, those of other tabs too. */
export function createKept(onChange) {
  let list = listed(recall(KEY));
  let stored = true; // false: storage has refused, and the list is this page's alone

  window.addEventListener("storage", (event) => {
    if (!stored || (event.key !== KEY && event.key !== null)) return;
    list = listed(event.newValue);
    onChange();
  });

  return {
    list: () => list,
    stored: () => stored,
    /** Change the list by a function from list to list. */
    change(by) {
      const text = written(by(stored ? listed(recall(KEY)) : list)); // another tab may have changed it just now
      list = listed(text);
      stored = keep(KEY, text);
      onChange();
    },
  };
}
