// What the panels that show the comparison have in common: the body, or a sentence that says why there is none.

import { setText } from "../dom.js";

/**
 * Show a panel's body, dimmed while the next comparison is on its way, or else say why there is none. Returns the
 * comparison to show, or null.
 */
export function shownComparison(panel, { run, comparison, comparing, comparisonProblem }) {
  const body = panel.querySelector(".panel-body");
  const note = panel.querySelector(".panel-note");
  body.hidden = !comparison;
  body.classList.toggle("stale", comparing);
  note.hidden = Boolean(comparison);
  if (!comparison) setText(note, comparing ? "Comparing…" : comparisonProblem ?? waiting(run));
  return comparison;
}

function waiting(run) {
  const underway = ["queued", "training", "watched"].includes(run.state) || run.latest_checkpoint !== null;
  return underway ? "This fills with the first evaluated checkpoint." : "This run has no checkpoint to compare.";
}
