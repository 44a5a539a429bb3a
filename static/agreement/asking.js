// How validation and test accuracy agree, as GET /runs/{id}/agreement answers it.

import { readAgreement } from "../api.js";
import { pauseAfter } from "../pause.js";

const RETRY_AFTER = 3_000; // ms
const LEAST_PAUSE = 1_000; // ms: the evaluations of one checkpoint arrive one by one

/**
 * Keeps `agreement` of `state` in line with the run and with the evaluations that arrive, as long as `isSeen()`; null
 * while there is none. Returns the renderer.
 */
export function setUpAsking(state, isSeen) {
  let id = null; // of the run that is looked at
  let answered = null; // the curves that were known when the last answer was asked for
  let underway = false;
  let earliest = 0; // the next time to ask, as the page's clock has it
  let took; // ms, the last time
  let timer;

  async function ask() {
    const asked = id;
    const { curves } = state.get().history;
    const begun = performance.now();
    let pause = RETRY_AFTER;
    underway = true;
    try {
      const agreement = await readAgreement(asked);
      const now = performance.now();
      pause = Math.max(LEAST_PAUSE, pauseAfter(now - begun, took));
      took = now - begun;
      if (asked === id) {
        answered = curves;
        state.set({ agreement });
      }
    } catch (problem) {
      if (asked === id && problem.status && problem.status < 500) answered = curves;
    }
    underway = false;
    if (asked === id) earliest = performance.now() + pause;
    follow(state.get());
  }

  function follow(now) {
    if ((now.run?.id ?? null) !== id) {
      [id, answered, earliest] = [now.run?.id ?? null, null, 0];
      if (now.agreement) state.set({ agreement: null });
    }
    clearTimeout(timer);
    if (id === null || !now.loaded || underway || !isSeen() || now.history.curves === answered) return;
    timer = setTimeout(ask, Math.max(0, earliest - performance.now()));
  }

  return follow;
}
