// The chart of the variants' curves, and the list of them beneath.

import { LETTERS, markOf } from "../compare_runs/marks.js";
import { setUpOverlay } from "../compare_runs/overlay.js";
import { nearest } from "../curves/series.js";
import { byId, element, setChildren } from "../dom.js";
import { count, percent } from "../format.js";
import { remembered } from "../memo.js";
import { colour } from "../theme.js";
import { studyFigure } from "./figure.js";
import { badge, variantOf } from "./marks.js";

/** Wire the chart; `names` are those of the variants. Returns the renderer. */
export function setUpChart(state, names) {
  const curvesOn = remembered((curves, ticked, weights, report) => shownCurves({ curves, ticked, weights, report }));
  const shown = ({ curves, ticked, weights, report }) => curvesOn(curves, ticked, weights, report);
  const coloursOf = remembered(() => Object.fromEntries(LETTERS.map((letter) => [letter, colour(variantOf(letter))])));
  const render = setUpOverlay(state, ["split", "weights", "view"], (now) => {
    if (!now.report) return null;
    const curves = shown(now);
    return {
      basis: [now.curves, now.weights, now.view],
      curves,
      make: (options) => studyFigure(curves, {
        ...options, whole: now.view === "everything", names, variants: coloursOf(now.themed),
      }),
      summary: summary(curves, now, names),
      empty: now.curves === null ? "Loading the curves…" : "The curves begin with the first evaluated checkpoint.",
    };
  });
  const list = byId("curve-list");
  const bringForward = ({ target }) => emphasise(state, target.closest("li")?.dataset.variant ?? null);
  for (const type of ["pointerover", "focusin"]) list.addEventListener(type, bringForward);
  for (const type of ["pointerleave", "focusout"]) list.addEventListener(type, () => emphasise(state, null));

  return (now) => {
    if (!now.report) return;
    const curves = shown(now);
    for (const kind of ["raw", "ema"]) {
      document.querySelector(`.line-key .${kind}-key`).hidden = !curves.some((one) => one.weights === kind);
    }
    setChildren(list, ...now.ticked.map((variant) => item(variant, curves, now, names)));
    render(now, { split: now.split, weights: now.weights, view: now.view });
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

/** Whether every run of a variant did: what it read right before says nothing of it, and it has no curve. */
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
    badge(mark),
    element("span", { text: names[variant][0].toUpperCase() + names[variant].slice(1) }),
    element("span", { class: "ends" }, ...(at ? [
      element("span", { class: `${curve.weights}-number`, text: percent(at.accuracy) }),
      element("span", { class: "caption", text: told(at, curve.seeds) }),
    ] : [element("span", { class: "caption", text: none })])));
}

const told = ({ lowest, highest, step }, seeds) => (seeds > 1
  ? `${percent(lowest).slice(0, -2)}–${percent(highest).slice(0, -2)}, ${count(seeds)} seeds, at ${count(step)}`
  : `one seed, at ${count(step)}`);

const summary = (shown, { split, report, ticked }, names) => `Accuracy on the ${split} images by step. At the end: ` + [
  ...shown.map(({ run: { id }, points }) => `${names[id]} ${percent(points.at(-1).accuracy)}`),
  ...ticked.filter((variant) => allDiverged(variant, report)).map((variant) => `${names[variant]} diverged`),
].join(", ");
