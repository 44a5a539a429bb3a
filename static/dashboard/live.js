// One run, followed: its history first, then its events, merged into the page's state.

import { readHistory } from "../api.js";
import { followEvents } from "./events.js";
import { emptyHistory, fromAnswer, withEvaluation, withTraining } from "./history.js";

const RETRY_AFTER = 2_000; // ms

/** Keep `run`, `history` and `connection` of `state` up to date with the run `id`. Returns a function that ends it. */
export function followRun(state, id, onGone) {
  let ended = false;
  let endEvents = () => {};
  let retry;
  state.set({ history: emptyHistory(), loaded: false });

  async function load() {
    endEvents();
    let answer;
    try {
      answer = await readHistory(id);
    } catch (problem) {
      if (ended) return;
      if (problem.status === 404) return onGone();
      state.set({ connection: "lost" });
      retry = setTimeout(load, RETRY_AFTER);
      return;
    }
    if (ended) return;
    state.set({ history: fromAnswer(answer), loaded: true });
    endEvents = followEvents(id, answer.cursor, {
      connection: (connection) => state.set({ connection }),
      gone: onGone,
      run(run) {
        const before = state.get().run;
        state.set({ run });
        // A worker that resumes from an older checkpoint goes that way again: what was shown beyond is void.
        if (before?.id === run.id && run.step < before.step) load();
      },
      training: (points) => state.set({ history: withTraining(state.get().history, points) }),
      evaluation: (evaluation) => state.set({ history: withEvaluation(state.get().history, evaluation) }),
      checkpoint({ step }) {
        const { run } = state.get();
        state.set({ run: { ...run, latest_checkpoint: Math.max(step, run.latest_checkpoint ?? 0) } });
      },
    });
  }

  load();
  return () => {
    ended = true;
    clearTimeout(retry);
    endEvents();
  };
}
