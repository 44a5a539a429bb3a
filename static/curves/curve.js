// The chart: draws the figure, keeps the user's zoom, and says which step is being pointed at.

import { byId, setText } from "../dom.js";
import { figure } from "./figure.js";
import { count, percent } from "../format.js";
import { summary } from "../dashboard/sentence.js";
import { colour } from "../theme.js";

const LEAST_PAUSE = 250; // ms between two drawings: a chart that is redrawn with every event eats the battery
const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  doubleClick: false,
  responsive: true,
  showTips: false,
};

/** Wire the chart; returns the renderer. `state.hovered` is the step under the pointer, or null. */
export function setUpCurve(state) {
  const chart = byId("chart");
  const script = byId("plotly");
  const reset = byId("zoom-reset");
  let zoom = {}; // the ranges that the user has chosen, by axis
  let dragging = false;
  let drawnAt = 0;
  let pending;
  let shown; // what the last drawing was made of

  script.addEventListener("load", () => draw());
  script.addEventListener("error", () => setText(byId("chart-note"), "The chart library could not be loaded; reload the page."));
  reset.addEventListener("click", resetZoom);

  function resetZoom() {
    zoom = {};
    shown = undefined;
    draw();
  }

  function listen() {
    chart.on("plotly_hover", ({ xvals }) => state.set({ hovered: xvals[0] }));
    chart.on("plotly_unhover", () => state.set({ hovered: null }));
    chart.on("plotly_doubleclick", resetZoom);
    chart.on("plotly_relayout", (changes) => {
      for (const name of Object.keys(changes)) {
        const axis = name.match(/^(.axis\d?)\.range/)?.[1];
        if (axis) zoom[axis] = [...chart.layout[axis].range];
      }
      reset.hidden = !Object.keys(zoom).length;
    });
    // A drawing in the middle of a drag would end it.
    chart.addEventListener("pointerdown", () => (dragging = true), true);
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => (dragging = false), true);
  }

  function draw() {
    clearTimeout(pending);
    pending = undefined;
    const now = state.get();
    if (dragging) return later();
    if (!window.Plotly || !now.run || byId("board").hidden) return;
    const basis = [now.run.id, now.run.step, now.history, now.split, now.view, now.average, now.themed];
    if (shown && basis.every((value, i) => value === shown[i])) return;
    // Another run, split or view is another picture: the zoom was not meant for it.
    if (shown && [0, 3, 4].some((i) => basis[i] !== shown[i])) zoom = {};
    reset.hidden = !Object.keys(zoom).length;
    shown = basis;
    drawnAt = performance.now();
    const colours = {
      raw: colour("raw"),
      ema: colour("ema"),
      emaFaint: colour("ema-faint"),
      ink: colour("ink"),
      muted: colour("muted"),
      line: colour("line"),
    };
    const font = getComputedStyle(document.body).fontFamily;
    const { data, layout, below, empty } = figure(now, colours, { font, narrow: chart.clientWidth < 520, zoom });
    const first = !chart.classList.contains("js-plotly-plot");
    window.Plotly.react(chart, data, layout, CONFIG);
    if (first) listen();
    setText(byId("curve-title"), `${now.split === "test" ? "Test" : "Validation"} accuracy`);
    chart.setAttribute("aria-label", `Accuracy by step. ${summary(now)} All of them are in the table below.`);
    setText(byId("chart-note"), empty ? "The curves begin with the first evaluated checkpoint." : "");
    setText(byId("chart-caption"), caption(below));
  }

  function later() {
    pending ??= setTimeout(draw, Math.max(0, LEAST_PAUSE - (performance.now() - drawnAt)) || LEAST_PAUSE);
  }

  return () => (performance.now() - drawnAt < LEAST_PAUSE ? later() : draw());
}

function caption(below) {
  if (!below.length) return "";
  const lowest = below.reduce((a, b) => (b.accuracy < a.accuracy ? b : a));
  const steps = [...new Set(below.map((e) => e.step))];
  const place = `${percent(lowest.accuracy, 1)} at step ${count(lowest.step)}`;
  if (steps.length === 1) return `Below this close-up: ${place}. “Everything” shows it.`;
  return `Below this close-up: points of ${count(steps.length)} steps, down to ${place}. “Everything” shows them.`;
}
