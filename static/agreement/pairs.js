// Checkpoints that are evaluated on both splits: what validation tells of the test images.

import { curve } from "../dashboard/history.js";
import { weightsOf } from "../curves/series.js";

const SOME = 4; // checkpoints, of which the server tells a correlation

/** Validation and test evaluation of the same weights, by ascending step: { step, validation, test }. */
export function pairs(history, average) {
  const tests = new Map(curve(history, "test", average).map((e) => [e.step, e]));
  return curve(history, "validation", average).flatMap((validation) => {
    const test = tests.get(validation.step);
    return test ? [{ step: validation.step, validation, test }] : [];
  });
}

/** The step in the middle of a run, as the server has it; of a watched one, in the middle so far. */
export const middle = ({ steps, step }) => Math.floor((steps ?? step) / 2);

/** The span that is shown, "all" or "late": the chosen one, or else the second half where it has some checkpoints. */
export function shownSpan({ run, history, span }) {
  if (span !== "auto") return span;
  return pairs(history, null).filter(({ step }) => step > middle(run)).length < SOME ? "all" : "late";
}

/**
 * The raw weights and the chosen average, with their pairs within a `span`, and the pairs that validation and that
 * hindsight choose of all.
 */
export function sides({ run, history, average, span }) {
  const after = span === "late" ? middle(run) : -1;
  return weightsOf(run, average).filter(({ name, chosen }) => name === null || chosen).map((one) => {
    const all = pairs(history, one.name);
    return {
      ...one,
      raw: one.name === null,
      points: all.filter(({ step }) => step > after),
      choice: most(all, "validation"),
      best: most(all, "test"),
    };
  });
}

/** The pair with the most images of a split read right, of equals the earliest; null of none. */
export function most(all, split) {
  return all.reduce((best, pair) => (best && best[split].correct >= pair[split].correct ? best : pair), null);
}

/** A correlation as exactly as it takes to tell it, or `like`, from 1, as the server writes it. */
export function correlationText(r, like = r) {
  const short = 1 - Math.abs(like);
  const digits = short > 0 ? Math.max(2, 1 - Math.floor(Math.log10(short))) : 0;
  return (Number(r.toFixed(digits)) || 0).toFixed(digits).replace("-", "−");
}
