// The tables of a study: what each part is worth, best or last; and a tutorial's conclusions.

import { markOf } from "../compare_runs/marks.js";
import { whisker } from "../compare_runs/whisker.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count, percent, points } from "../format.js";
import { badge } from "./marks.js";
import { accuracyScale, differenceScale, pText, steps } from "./numbers.js";

const VERDICTS = { holds: "Holds", fails: "Does not hold", open: "Cannot be told" };
const CHOICE_NAMES = {
  last_raw: "Last raw",
  best_raw: "Best raw, by validation",
  last_averaged: "Last averaged",
  best_averaged: "Best averaged, by validation",
};

/** The table of the variants; returns its renderer. */
export function setUpVariants(names) {
  return ({ report, ticked }) => {
    if (!report) return;
    const rows = report.variants;
    byId("same-training").hidden = !rows.some(({ variant }) => variant === "without_averaging");
    const scales = { accuracy: accuracyScale(rows), difference: differenceScale(rows) };
    setChildren(byId("variants").tBodies[0], ...rows.map((row) => {
      const mark = markOf(ticked, row.variant);
      const judged = row.average ? "ema" : "raw";
      return element("tr", {},
        element("th", { scope: "row" },
          badge(mark), " ", title(names[row.variant])),
        seedsCell(row, report.study.seeds),
        spreadCell("Validation", row.validation, judged),
        spreadCell("Test", row.test, judged, scales.accuracy),
        differenceCell(
          "Against the full recipe · p (Holm)", row.difference, scales.difference, row.variant === "full" ? "" : "–"));
    }));
  };
}

/** Best or last; returns the renderer. */
export function setUpChoices(state, names) {
  const select = byId("choices-of");
  select.addEventListener("change", () => state.set({ of: select.value }));
  return ({ report, of }) => {
    if (!report) return;
    const known = report.choices.map(({ variant }) => variant);
    const shown = known.includes(of) ? of : known[0];
    const rows = report.choices.find(({ variant }) => variant === shown)?.rows ?? [];
    byId("no-choices").hidden = known.length > 0;
    byId("choices-frame").hidden = !known.length;
    select.closest("label").hidden = !known.length;
    setChildren(select, ...known.map((variant) => element("option", { value: variant, text: title(names[variant]) })));
    if (shown) select.value = shown;
    const scales = { accuracy: accuracyScale(rows), difference: differenceScale(rows) };
    setChildren(byId("choices").tBodies[0], ...rows.map((row) => {
      const judged = row.choice.endsWith("averaged") ? "ema" : "raw";
      return element("tr", {},
        element("th", { scope: "row", text: CHOICE_NAMES[row.choice] }),
        element("td", { "data-label": "Steps", text: steps(row.steps) }),
        spreadCell("Validation", row.validation, judged),
        spreadCell("Test", row.test, judged, scales.accuracy),
        differenceCell("Against the last raw · p (Holm)", row.difference, scales.difference, ""));
    }));
  };
}

/** The tutorial's conclusions, each with its verdict here. */
export function renderConclusions({ report }) {
  if (!report) return;
  const any = report.variants.some(({ difference, diverged }) => difference?.seeds > 1 || diverged);
  byId("conclusions-panel").hidden = !report.conclusions.length; // of these variants nothing is claimed
  byId("no-conclusions").hidden = any;
  byId("conclusions-together").hidden = !any;
  setChildren(byId("conclusions"), ...(any ? report.conclusions : []).map(({ claim, verdict, sentence, p_holm: p }) =>
    element("li", {},
      element("span", { class: "verdict-mark", "data-verdict": verdict, text: VERDICTS[verdict] }),
      element("div", {},
        element("p", {}, element("b", { text: claim }), element("small", { class: "deviation", text: ` ${pText(p)}` })),
        element("p", { class: "caption", text: sentence })))));
}

const title = (text) => text[0].toUpperCase() + text.slice(1);

function seedsCell({ test, diverged, failed }, planned) {
  const lost = [[diverged, "diverged"], [failed, "failed"]].filter(([number]) => number)
    .map(([number, word]) => `${count(number)} ${word}`);
  const there = test?.seeds ?? 0;
  return element("td", { "data-label": "Seeds" },
    there < planned ? `${count(there)} of ${count(planned)}` : count(there),
    ...lost.map((text) => element("small", { class: "lost-seeds", text })));
}

/** Mean and standard deviation; with a scale also a bar from the lowest to the highest. */
function spreadCell(label, spread, weights, scale = null) {
  if (!spread) return element("td", { class: "none", "data-label": label, text: "–" });
  const { seeds, mean, deviation, lowest, highest } = spread;
  return element("td", { "data-label": label },
    element("span", { class: `${weights}-number`, text: percent(mean) }),
    ...(deviation === null
      ? [] : [element("small", { class: "deviation", text: ` ± ${(100 * deviation).toFixed(2)}` })]),
    ...(scale ? [
      whisker(weights, mean, [lowest, highest], scale),
      element("small", { text: seeds > 1 ? rangeText(lowest, highest) : "one seed" }),
    ] : []));
}

const rangeText = (lowest, highest) => `${percent(lowest).slice(0, -2)}–${percent(highest).slice(0, -2)}`;

function differenceCell(label, difference, scale, none) {
  if (!difference) return element("td", { class: "difference none", "data-label": label, text: none });
  const { seeds, mean, interval, p_holm: p } = difference;
  const sure = p !== null && p < 0.05;
  const outcome = sure ? (mean > 0 ? "better" : "worse") : "could be chance";
  const few = seeds < 2 ? "one seed" : "the same with every seed";
  return element("td", { class: `difference${sure ? " sure" : ""}`, "data-label": label },
    element("span", { text: `${points(mean)}\u00a0pp` }),
    ...(interval ? [zeroed(whisker("plain", mean, interval, scale), scale)] : []),
    element("small", { text: interval ? `${points(interval[0])} to ${points(interval[1])} · ${pText(p)}` : few }),
    ...(interval ? [element("small", { class: "outcome", text: outcome })] : []));
}

/** A whisker with a line at no difference. */
function zeroed(bar, [low, high]) {
  const zero = element("i", { class: "zero" });
  zero.style.left = `${(100 * (0 - low)) / (high - low || 1)}%`;
  bar.prepend(zero);
  return bar;
}
