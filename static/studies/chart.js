// The chart of the variants' curves, and the list of them beneath.

import { markOf } from "../compare_runs/marks.js";
import { renderPointed, setUpPointing } from "../compare_runs/pointing.js";
import { library, NO_LIBRARY } from "../curves/library.js";
import { nearest } from "../curves/series.js";
import { CONFIG, style } from "../curves/style.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count, percent } from "../format.js";
import { remembered } from "../memo.js";
import { studyFigure } from "./figure.js";

/** Wire the chart; `names` are those of the variants. Returns the renderer. */
export function setUpChart(state, names) {
  const chart = byId("overlay");
  const coloursOf = remembered(style);
  let size = { width: 0, height: 0 };
  let last = null;
  let drawn = null; // the curves in the figure, and its frame
  let hindrance = ""; // why there will be no figure
  const load = remembered(() => {
    library().then(() => draw(state.get()), () => {
      hindrance = NO_LIBRARY;
      state.set({});
    });
  });

  for (const name of ["split", "weights", "view"]) {
    for (const radio of document.querySelectorAll(`input[name=${name}]`)) {
      radio.addEventListener("change", () => state.set({ [name]: radio.value }));
    }
  }
  new ResizeObserver(([{ contentRect: { width, height } }]) => {
    size = { width: Math.round(width), height: Math.round(height) };
    draw(state.get());
  }).observe(chart);
  setUpPointing(state, byId("overlay-frame"), () => drawn);
  const list = byId("curve-list");
  const bringForward = ({ target }) => emphasise(state, target.closest("li")?.dataset.variant ?? null);
  for (const type of ["pointerover", "focusin"]) list.addEventListener(type, bringForward);
  for (const type of ["pointerleave", "focusout"]) list.addEventListener(type, () => emphasise(state, null));

  function draw(now) {
    const { report, curves, weights, view, emphasised, themed } = now;
    if (!report || !size.width) return;
    if (!window.Plotly) {
      load();
      return;
    }
    const next = [curves, weights, view, emphasised, themed, size];
    if (last && next.every((value, i) => value === last[i])) return;
    last = next;
    const shown = shownCurves(now);
    const options = { emphasised, colours: coloursOf(themed), whole: view === "everything", ...size };
    const { data, layout, frame } = studyFigure(shown, options);
    window.Plotly.react(chart, data, layout, CONFIG);
    drawn = { curves: shown, frame };
    chart.setAttribute("aria-label", summary(shown, now, names));
  }

  return (now) => {
    if (!now.report) return;
    for (const name of ["split", "weights", "view"]) {
      for (const radio of document.querySelectorAll(`input[name=${name}]`)) radio.checked = radio.value === now[name];
    }
    setText(byId("overlay-title"), now.split === "test" ? "Test accuracy" : "Validation accuracy");
    const shown = shownCurves(now);
    for (const kind of ["raw", "ema"]) {
      document.querySelector(`.line-key .${kind}-key`).hidden = !shown.some((one) => one.weights === kind);
    }
    setChildren(list, ...now.ticked.map((variant) => item(variant, shown, now, names)));
    const none = now.curves === null ? "Loading the curves…" : "No checkpoint is evaluated yet.";
    setText(byId("overlay-note"), shown.length ? hindrance : none);
    draw(now);
    renderPointed(now.pointed, drawn?.frame);
  };
}

/** Bring a variant's curve forward; null: all alike. */
function emphasise(state, variant) {
  if (variant !== state.get().emphasised) state.set({ emphasised: variant });
}

/** The curves to draw, one of each variant: by the weights that it is judged by, or by its raw ones. */
function shownCurves({ curves, ticked, weights, report }) {
  const judged = new Map(report.variants.map(({ variant, average }) => [variant, weights === "raw" ? null : average]));
  return ticked.flatMap((variant) => (curves?.curves ?? [])
    .filter((curve) => curve.variant === variant && curve.average === judged.get(variant))
    .map((curve) => ({
      run: { id: variant },
      mark: markOf(ticked, variant),
      weights: curve.average ? "ema" : "raw",
      seeds: curve.seeds,
      points: curve.step.map((step, i) => ({
        step, accuracy: curve.mean[i], lowest: curve.lowest[i], highest: curve.highest[i],
      })),
    })));
}

/** Whether every run of a variant did: what it read right before says nothing of it. */
function allDiverged(variant, { runs }) {
  const of = runs.filter((run) => run.variant === variant);
  return of.length > 0 && of.every(({ state }) => state === "diverged");
}

function item(variant, shown, { ticked, pointed, report }, names) {
  const mark = markOf(ticked, variant);
  const curve = shown.find(({ run }) => run.id === variant);
  const points = curve?.points ?? [];
  const none = allDiverged(variant, report) ? "diverged" : "not evaluated yet";
  const at = pointed === null ? points.at(-1) : points[nearest(points.map(({ step }) => step), pointed)];
  return element("li", { "data-variant": variant },
    element("b", { class: "mark", text: `${mark.letter} ${mark.shape}` }),
    element("span", { text: names[variant][0].toUpperCase() + names[variant].slice(1) }),
    element("span", { class: "ends" }, ...(at && none !== "diverged" ? [
      element("span", { class: `${curve.weights}-number`, text: percent(at.accuracy) }),
      element("span", { class: "caption", text: told(at, curve.seeds) }),
    ] : [element("span", { class: "caption", text: none })])));
}

const told = ({ lowest, highest, step }, seeds) => (seeds > 1
  ? `${percent(lowest).slice(0, -2)}–${percent(highest).slice(0, -2)}, ${count(seeds)} seeds, at ${count(step)}`
  : `one seed, at ${count(step)}`);

const summary = (shown, { split, report }, names) => (shown.length
  ? `Accuracy on the ${split} images by step. At the end: ` +
    shown.map(({ run: { id }, points }) =>
      `${names[id]} ${allDiverged(id, report) ? "diverged" : percent(points.at(-1).accuracy)}`).join(", ")
  : "No curve yet");
