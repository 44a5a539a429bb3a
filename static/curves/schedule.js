// When a figure is drawn: as soon as it has a size and there is something to draw; what arrives later is gathered.

import { setText } from "../dom.js";
import { library, NO_LIBRARY } from "./library.js";

// What arrives is gathered so long before it is drawn, in ms: a drawing for every event would eat the battery.
export const GATHER = { seen: 250, unseen: 10_000 };

/**
 * Schedules the drawings of the `.chart` in `frame`. `ready()`: whether there is something to draw; the chart library
 * is loaded when there is, and `frame`'s `.chart-note` says where it cannot be. `draw(size)` draws, on { width, height }
 * in pixels. Returns `soon(wait)`, which asks for a drawing in so many ms at the latest, `gather()`, which asks for one
 * that may wait a while, and `size()`.
 */
export function setUpSchedule(frame, ready, draw) {
  const chart = frame.querySelector(".chart");
  let size = { width: 0, height: 0 }; // as last told: to ask the chart would make the browser lay the page out
  let asked = false;
  let drawn = false;
  let seen = true;
  let pending;
  let due = Infinity;

  new ResizeObserver(([{ contentRect: { width, height } }]) => {
    size = { width: Math.round(width), height: Math.round(height) };
    soon(drawn ? GATHER.seen : 0);
  }).observe(chart);
  new IntersectionObserver(([{ isIntersecting }]) => {
    seen = isIntersecting;
    if (seen && pending) soon(0);
  }).observe(chart);

  /** Ask for the chart library, and draw with it. */
  async function load() {
    asked = true;
    try {
      await library();
      soon(0);
    } catch {
      setText(frame.querySelector(".chart-note"), NO_LIBRARY);
    }
  }

  function run() {
    pending = undefined;
    due = Infinity;
    if (!size.width || !size.height || !ready()) return;
    if (!window.Plotly) return asked || load();
    drawn = true;
    draw(size);
  }

  /** Always in a task of its own, so that the rest of the page does not wait. */
  function soon(wait) {
    const at = performance.now() + wait;
    if (at >= due) return;
    clearTimeout(pending);
    due = at;
    pending = setTimeout(run, wait);
  }

  return { soon, gather: () => soon(seen ? GATHER.seen : GATHER.unseen), size: () => size };
}
