// Every run of a study: variants by seeds, each with its result or how far it is.

import { byId, element, setChildren } from "../dom.js";
import { percent } from "../format.js";

const WORDS = { queued: "queued", stopped: "stopped", failed: "failed", diverged: "diverged", finished: "evaluating" };

/** Returns the renderer. */
export function setUpGrid(names) {
  return ({ report }) => {
    if (!report) return;
    const { seeds, config } = report.study;
    const all = Array.from({ length: seeds }, (_, i) => config.seed + i);
    const found = new Map(report.runs.map((run) => [`${run.variant} ${run.seed}`, run]));
    setChildren(byId("grid").tHead, element("tr", {},
      element("th", { scope: "col", text: "Variant" }),
      ...all.map((seed) => element("th", { scope: "col", text: `Seed ${seed}` }))));
    setChildren(byId("grid").tBodies[0], ...report.variants.map(({ variant }) => element("tr", {},
      element("th", { scope: "row", text: names[variant][0].toUpperCase() + names[variant].slice(1) }),
      ...all.map((seed) => element("td", {}, cell(found.get(`${variant} ${seed}`)))))));
  };
}

function cell(run) {
  if (!run) return element("span", { class: "caption", text: "deleted" });
  return element("a", { href: `./?run=${encodeURIComponent(run.run)}`, "data-state": run.state, text: told(run) });
}

function told({ state, step, steps, test }) {
  if (test !== null) return percent(test);
  return state === "training" ? percent(step / steps, 0) : WORDS[state];
}
