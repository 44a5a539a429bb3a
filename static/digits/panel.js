// What the panels that show the comparison have in common: the body, or a sentence that says why there is none.

import { setText } from "../dom.js";
import { count } from "../format.js";

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
  const underway = run.state === "queued" || run.state === "training" || run.latest_checkpoint !== null;
  return underway ? "This fills with the first evaluated checkpoint." : "This run has no checkpoint to compare.";
}

/** Averaged minus raw, as a number with its sign; a true minus, and no sign for none. */
export function signed(difference) {
  if (difference === 0) return "0";
  return `${difference > 0 ? "+" : "−"}${count(Math.abs(difference))}`;
}

/** "1 image", "12 images", "no image". */
export function images(number) {
  if (number === 0) return "no image";
  return number === 1 ? "1 image" : `${count(number)} images`;
}
