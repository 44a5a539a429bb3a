// A figure on the page: drawn when it is due, with the user's zoom kept and the looked-at steps marked.

import { byId, element, setText } from "../dom.js";
import { remembered } from "../memo.js";
import { shownStep } from "../dashboard/selection.js";
import { toPlace, toStep } from "./axis.js";
import { setUpPointer } from "./pointer.js";
import { nearest } from "./series.js";
import { CONFIG, stepAxisPlace, style } from "./style.js";

const LEAST_PAUSE = 250; // ms between two drawings: a chart that is redrawn with every event eats the battery

/**
 * Wire the figure in `frame`, which holds a `.chart`, a `.chart-note` and a `.zoom-reset`. Returns the renderer.
 * `basis(now)`: what a drawing is made of besides the selection; where one of these is another, it is drawn anew.
 * `picture(now)`: names what is drawn; a zoom of the y axes ends where it is another.
 * `make(now, colours, { width, height, heights })`: { data, layout, axis, … } for Plotly.
 * `stepsOf(now)`: the ascending steps that can be pointed at. `onDrawn(now, made)` is called after each drawing.
 */
export function setUpPlot(state, frame, { basis, picture, make, stepsOf, onDrawn }) {
  const chart = frame.querySelector(".chart");
  const reset = frame.querySelector(".zoom-reset");
  const marks = ["shown", "hovered"].map((name) => element("i", { class: `step-line ${name}`, "aria-hidden": "true" }));
  let heights = {}; // the ranges of the y axes that the user has chosen, by axis
  let held = false;
  let drawnAt = 0;
  let pending;
  let last = null; // what the last drawing was made of
  let made = null;
  let size = { width: 0, height: 0 }; // as last told: to ask the chart would make the browser lay the page out
  const coloursOf = remembered(style);

  frame.append(...marks);
  byId("plotly").addEventListener("load", draw);
  byId("plotly").addEventListener("error", () =>
    setText(frame.querySelector(".chart-note"), "The chart library could not be loaded; reload the page."));
  reset.addEventListener("click", unzoom);
  new ResizeObserver(([{ contentRect: { width, height } }]) => {
    size = { width: Math.round(width), height: Math.round(height) };
    later();
  }).observe(chart);
  setUpPointer(state, chart, stepAt, (down) => (held = down));

  function unzoom() {
    heights = {};
    last = null;
    state.set({ zoomed: null });
  }

  function keepZoom(changes) {
    for (const name of Object.keys(changes)) {
      const axis = name.match(/^(.axis\d?)\.range/)?.[1];
      const range = axis && [...chart.layout[axis].range];
      if (axis === "xaxis") state.set({ zoomed: range.map((value) => (made.axis.log ? 10 ** value : value)) });
      else if (axis) heights[axis] = range;
    }
    last = null;
    later();
  }

  function stepAt(event) {
    const box = chart.getBoundingClientRect();
    const { left, length } = stepAxisPlace(box.width);
    const place = (event.clientX - box.left - left) / length;
    if (!made || place < -0.02 || place > 1.02) return null;
    const steps = stepsOf(state.get());
    return steps[nearest(steps, toStep(made.axis, place))] ?? null;
  }

  function draw() {
    clearTimeout(pending);
    pending = undefined;
    const now = state.get();
    const { width, height } = size;
    if (held) return later(); // a drawing would end the drag
    if (!window.Plotly || !now.run || !width) return;
    const next = [picture(now), now.zoomed, now.themed, width, height, ...basis(now)];
    if (last && next.every((value, i) => value === last[i])) return;
    if (last && last[0] !== next[0]) heights = {};
    last = next;
    drawnAt = performance.now();
    made = make(now, coloursOf(now.themed), { width, height, heights });
    const first = !chart.classList.contains("js-plotly-plot");
    window.Plotly.react(chart, made.data, made.layout, CONFIG);
    if (first) {
      chart.on("plotly_doubleclick", unzoom);
      chart.on("plotly_relayout", keepZoom);
    }
    reset.hidden = !now.zoomed && !Object.keys(heights).length;
    onDrawn(now, made);
    placeMarks(now);
  }

  function later() {
    pending ??= setTimeout(draw, Math.max(0, LEAST_PAUSE - (performance.now() - drawnAt)));
  }

  /** The lines at the shown and the hovered step lie over the figure: to move them draws nothing anew. */
  function placeMarks(now) {
    if (!made) return;
    const { left, length } = stepAxisPlace(size.width);
    const steps = stepsOf(now);
    const hovered = now.hovered === null ? null : steps[nearest(steps, now.hovered)];
    for (const [i, step] of [shownStep(now), hovered].entries()) {
      const place = toPlace(made.axis, step ?? NaN);
      marks[i].hidden = !(place >= 0 && place <= 1);
      if (!marks[i].hidden) marks[i].style.translate = `${Math.round(left + place * length)}px 0`;
    }
  }

  return (now) => {
    if (performance.now() - drawnAt < LEAST_PAUSE) later();
    else draw();
    placeMarks(now);
  };
}
