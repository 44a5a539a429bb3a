// The comparison of raw and averaged weights at the shown step, as GET /compare answers it, for every panel.

import { compare, evaluate } from "../api.js";
import { curve } from "./history.js";
import { LATEST, shownStep } from "./selection.js";

const KEPT = 60; // answers; the slider goes back and forth over the same ones
const PAUSE = 40; // ms: a slider that is dragged passes over most steps
const RETRY_AFTER = 3_000; // ms

/**
 * Keeps `comparison` in line with run, step, split and average: an answer of GET /compare, or null as long as
 * none is there; it names its step, and stays until the next one has come. `comparing`: whether one is on its way.
 * `comparisonProblem`: why there is none, or null. For a run that keeps no average, `ema` is null and only raw
 * numbers are there. Returns the renderer.
 */
export function setUpComparison(state) {
  const kept = new Map();
  let wanted = null;
  let pending;
  let renewed = ""; // of which evaluations an answer was asked for anew last

  function settle(key, answer) {
    kept.delete(key);
    kept.set(key, answer);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    if (wanted === key) return state.set({ comparison: answer, comparing: false, comparisonProblem: null });
    // Checkpoints may come faster than answers: to who follows the newest, a newer one than what is shown is news.
    const { comparison, step, run, split, average } = state.get();
    const asked = step === LATEST && key === keyOf(run?.id, answer.step, split, average);
    if (asked && comparison && comparison.step < answer.step) state.set({ comparison: answer });
  }

  async function fetchFor(key, ...question) {
    try {
      settle(key, await answerTo(...question));
    } catch (problem) {
      if (wanted !== key) return;
      state.set({ comparing: false, comparisonProblem: problem.message, comparison: null });
      if (!problem.status || problem.status >= 500) {
        setTimeout(() => wanted === key && fetchFor(key, ...question), RETRY_AFTER);
      }
    }
  }

  return (now) => {
    const { run, split, average } = now;
    const step = run && shownStep(now);
    const key = step === null ? null : keyOf(run.id, step, split, average);
    const later = key === wanted && !now.comparing ? laterThan(now.comparison, now.history) : "";
    const anew = later !== "" && `${key} ${later}` !== renewed;
    if (key === wanted && !anew) return;
    wanted = key;
    if (anew) renewed = `${key} ${later}`;
    clearTimeout(pending);
    if (key === null) {
      state.set({ comparison: null, comparing: false, comparisonProblem: null });
    } else if (!anew && kept.has(key)) {
      settle(key, kept.get(key));
    } else {
      const other = now.comparison && now.comparison.run !== run.id;
      state.set({ comparing: true, ...(other && { comparison: null }) });
      pending = setTimeout(fetchFor, PAUSE, key, run.id, step, split, average);
    }
  };
}

/**
 * What tells the evaluations that the history has from those of an answer, where they are others: another program may
 * have written the checkpoint of the step anew. "" where they are the same, or of other images.
 */
function laterThan(answer, history) {
  const sides = answer ? [answer.raw, answer.ema] : [];
  const known = sides.map((side, i) =>
    side && curve(history, answer.split, i ? answer.average : null).find(({ step }) => step === answer.step));
  const other = known.some((one, i) =>
    one && one.n === answer.n && (one.correct !== sides[i].correct || one.loss !== sides[i].loss));
  return other ? known.map((one) => `${one?.correct} ${one?.loss}`).join(" ") : "";
}

const keyOf = (id, step, split, average) => `${id} ${step} ${split} ${average ?? ""}`;

async function answerTo(run, step, split, average) {
  if (average) return compare(run, step, split, average);
  const raw = await evaluate(run, step, split);
  const digits = raw.per_digit.map(({ digit, n, correct, accuracy }) => ({
    digit, n, raw_correct: correct, raw_accuracy: accuracy, ema_correct: null, ema_accuracy: null, difference: null,
  }));
  return {
    ...raw, raw, ema: null, paired: null, difference: null, better: null, verdict: null,
    per_digit: digits, confusion: { raw: raw.confusion, ema: null }, disagreements: [],
  };
}
