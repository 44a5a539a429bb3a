// A figure on the page: drawn when it is due, with the user's zoom kept and the looked-at steps marked.

import { element } from "../dom.js";
import { remembered } from "../memo.js";
import { shownStep } from "../dashboard/selection.js";
import { toPlace, toStep } from "./axis.js";
import { setUpPointer } from "./pointer.js";
import { GATHER, setUpSchedule } from "./schedule.js";
import { nearest } from "./series.js";
import { CONFIG, stepAxisPlace, style } from "./style.js";

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
  const schedule = setUpSchedule(frame, isReady, draw);
  let heights = {}; // the ranges of the y axes that the user has chosen, by axis
  let held = false;
  let chosen = []; // what the user has chosen to see, as it was when the last drawing was asked for
  let last = null; // what the last drawing was made of
  let made = null;
  const coloursOf = remembered(style);

  frame.append(...marks);
  reset.addEventListener("click", unzoom);
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
    schedule.soon(0);
  }

  function stepAt(event) {
    const box = chart.getBoundingClientRect();
    const { left, length } = stepAxisPlace(box.width);
    const place = (event.clientX - box.left - left) / length;
    if (!made || place < -0.02 || place > 1.02) return null;
    const steps = stepsOf(state.get());
    return steps[nearest(steps, toStep(made.axis, place))] ?? null;
  }

  function isReady() {
    const { run, loaded } = state.get();
    return Boolean(run && (loaded || made));
  }

  function draw({ width, height }) {
    const now = state.get();
    if (held) return schedule.soon(GATHER.seen); // a drawing would end the drag
    const next = [picture(now), now.zoomed, now.themed, width, height, ...basis(now)];
    if (last && next.every((value, i) => value === last[i])) return;
    if (last && last[0] !== next[0]) heights = {};
    last = next;
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

  /** The lines at the shown and the hovered step lie over the figure: to move them draws nothing anew. */
  function placeMarks(now) {
    if (!made) return;
    const { left, length } = stepAxisPlace(schedule.size().width);
    const steps = stepsOf(now);
    const hovered = now.hovered === null ? null : steps[nearest(steps, now.hovered)];
    for (const [i, step] of [shownStep(now), hovered].entries()) {
      const place = toPlace(made.axis, step ?? NaN);
      marks[i].hidden = !(place >= 0 && place <= 1);
      if (!marks[i].hidden) marks[i].style.translate = `${Math.round(left + place * length)}px 0`;
    }
  }

  return (now) => {
    const choice = [picture(now), now.zoomed, now.themed, now.average];
    const other = choice.some((value, i) => value !== chosen[i]);
    chosen = choice;
    if (other || !made || made.empty) schedule.soon(0);
    else schedule.gather();
    placeMarks(now);
  };
}
