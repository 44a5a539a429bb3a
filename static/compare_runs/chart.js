// The chart of the ticked runs' curves, and the list of them beneath.

import { curve } from "../dashboard/history.js";
import { byId, element, setChildren } from "../dom.js";
import { count, percent } from "../format.js";
import { nearest } from "../curves/series.js";
import { remembered } from "../memo.js";
import { curvesOf, figure } from "./figure.js";
import { markOf } from "./marks.js";
import { setUpOverlay } from "./overlay.js";
import { averageName, bestAverage, dashboardAddress } from "./rows.js";
import { shownWeights } from "./selection.js";
import { emphasise, toggle } from "./table.js";

const NONE = [];

/** Wire the chart; returns the renderer. */
export function setUpChart(state) {
  setUpTicked(state);
  const curvesOn = remembered((runs, ticked, histories, scores, split, weights) => {
    const averages = new Map(runs.map((run) => [run.id, bestAverage(run, scores.get(run.id))?.name]));
    return curvesOf({ runs, ticked, histories, split, weights, averages });
  });
  const render = setUpOverlay(state, ["split", "weights"], (now) => {
    const { runs, ticked, histories, scores, split } = now;
    const curves = curvesOn(runs, ticked ?? NONE, histories, scores, split, shownWeights(now));
    return {
      basis: [curves],
      curves,
      make: (options) => figure(curves, options),
      summary: summary(curves, split),
      empty: empty(now),
    };
  });

  return (now) => {
    if (!now.runs) return;
    for (const [kind, other] of [["raw", "ema"], ["ema", "raw"]]) {
      document.querySelector(`.line-key .${kind}-key`).hidden = shownWeights(now) === other;
    }
    setChildren(byId("ticked"), ...(now.ticked ?? []).flatMap((id) => item(now, id)));
    render(now, { split: now.split, weights: shownWeights(now) });
  };
}

function empty({ ticked, histories, runs, scores, ...rest }) {
  const weights = shownWeights({ ticked, ...rest });
  if (!scores.size) return "The curves begin with the first evaluated checkpoint.";
  if (!ticked?.length) return "Tick runs in the table to lay their curves over one another.";
  if (ticked.some((id) => runs.some((run) => run.id === id) && !histories.has(id))) return "Loading the curves…";
  const average = runs.some((run) => ticked.includes(run.id) && bestAverage(run, scores.get(run.id)));
  return weights === "ema" && !average ? "The ticked runs keep no average." : "No checkpoint of the ticked runs is evaluated yet.";
}

const summary = (curves, split) => `Accuracy on the ${split} images by step. At the end: ` + curves
  .map(({ mark, weights, points }) => `${mark.letter} ${weights === "raw" ? "raw" : "averaged"} ${percent(points.at(-1).accuracy)}`)
  .join(", ");

function setUpTicked(state) {
  const list = byId("ticked");
  list.addEventListener("click", ({ target }) => {
    const off = target.closest("button")?.value;
    if (off) toggle(state, off, false);
  });
  for (const type of ["pointerover", "focusin"]) {
    list.addEventListener(type, ({ target }) => emphasise(state, target.closest("li")?.dataset.run));
  }
  for (const type of ["pointerleave", "focusout"]) list.addEventListener(type, () => emphasise(state, null));
}

/** A ticked run in the list: its mark, its name, where its curves end or what they are at the step pointed at. */
function item({ runs, scores, histories, ticked, split, pointed, weights }, id) {
  const mark = markOf(ticked, id);
  const run = runs.find((one) => one.id === id);
  const off = element("button", { type: "button", class: "small", value: id, "aria-label": `Take ${run?.name ?? id} off the chart`, text: "×" });
  const badge = element("b", { class: "mark", text: `${mark.letter} ${mark.shape}` });
  if (!run) return [element("li", {}, badge, element("span", { class: "caption", text: `${id}: no such run` }), off)];
  const found = scores.get(id);
  const average = bestAverage(run, found);
  const decay = averageName(run, average);
  const name = decay ? `averaged (decay ${decay})` : "averaged";
  const history = pointed === null ? null : histories.get(id);
  const at = (weights, point) => {
    if (!history) return point && { step: point.final.step, share: point.final[split] };
    const points = curve(history, split, weights);
    const one = points[nearest(points.map(({ step }) => step), pointed)];
    return one && { step: one.step, share: one };
  };
  const raw = at(null, found?.raw);
  const averaged = average && at(average.name, found?.averages[average.name]);
  const told = (side, kind, label) => (side?.share
    ? [element("span", { class: `${kind}-number`, text: `${label} ${percent(side.share.accuracy)}` })] : []);
  const undrawn = !average && shownWeights({ weights, ticked }) === "ema";
  const step = (raw ?? averaged)?.step ?? run.step;
  return [element("li", { "data-run": id }, badge,
    element("a", { href: dashboardAddress(run, average), title: run.name, text: run.name }),
    element("span", { class: "ends" }, ...told(raw, "raw", "raw"), ...told(averaged, "ema", name),
      element("span", { class: "caption", text: found ? `at ${count(step)}` : "not evaluated yet" }),
      ...(undrawn ? [element("span", { class: "caption", text: "no average, so no curve" })] : [])),
    off)];
}
