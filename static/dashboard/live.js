// What is followed: one run, its history first and then its events, and the list of runs, all in one stream.

import { eventsAddress, listEventsAddress, readHistory, readRun } from "../api.js";
import { followEvents } from "./events.js";
import { emptyHistory, fromAnswer, withEvaluation, withTraining } from "./history.js";
import { title } from "./progress.js";

const RETRY_AFTER = 2_000; // ms
const TITLE_EVERY = 15_000; // ms, in a tab that nobody sees

/**
 * Keep `run`, `history` and `connection` of `state` up to date with the run `id`, and `list` with its events.
 * `onGone` is called when the run is not there, or not any more. Returns a function that ends it.
 */
export function followRun(state, id, list, onGone) {
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
    endEvents = followEvents((cursor) => eventsAddress(id, cursor), answer.cursor, {
      ...ofTheList(state, list),
      gone: onGone,
      run(run) {
        const before = state.get().run;
        const { average } = state.get();
        // What a watched run keeps is not known before its first checkpoint.
        state.set({ run, average: average ?? run.averages[0]?.name ?? null });
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
  const endTitle = keepTitle(state);
  return () => {
    ended = true;
    clearTimeout(retry);
    endTitle();
    endEvents();
  };
}

/** Keep `list` up to date while there is no run to look at. Returns a function that ends it. */
export const followList = (state, list) => followEvents(() => listEventsAddress, "", ofTheList(state, list));

/** The list is read whenever the stream is there (again); whatever changes after is sent. */
const ofTheList = (state, list) => ({
  connection(connection) {
    state.set({ connection });
    // Where it fails, the stream is about to be lost too.
    if (connection === "live") list.read().catch(() => {});
  },
  runs: list.hear,
});

/** A tab that nobody sees follows no events, and browsers draw nothing in it; its title shows how far the run is. */
function keepTitle(state) {
  const timer = setInterval(async () => {
    const { run } = state.get();
    if (!document.hidden || run?.state !== "training") return;
    const now = await readRun(run.id).catch(() => null);
    if (now && document.hidden) document.title = title(now);
  }, TITLE_EVERY);
  return () => clearInterval(timer);
}
