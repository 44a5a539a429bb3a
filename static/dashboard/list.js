// The runs, or the newest of them, as the server lists them, kept true by the events of the list.

import { listRuns } from "../api.js";

/** The list with one event of it: `{ run }` is new in it or changed, `{ gone }` was deleted or cannot be read any more. */
export function withNews({ runs, total, unreadable }, { run, gone }) {
  const whole = runs.length + unreadable.length === total; // or else there are older ones
  if (gone !== undefined) {
    const left = runs.filter((r) => r.id !== gone);
    // One that is not listed is either older than what is, or was left out already when the list was read.
    return left.length < runs.length || !whole ? { runs: left, total: total - 1, unreadable } : { runs, total, unreadable };
  }
  const place = runs.findIndex((r) => r.id === run.id);
  if (place >= 0) return { runs: runs.with(place, run), total, unreadable };
  const before = runs.findIndex((r) => r.created_at <= run.created_at);
  if (before >= 0) return { runs: runs.toSpliced(before, 0, run), total: total + 1, unreadable };
  // Older than all that are listed: it is new to the server only where the list is a whole one.
  return whole ? { runs: [...runs, run], total: total + 1, unreadable } : { runs, total, unreadable };
}

const outside = (runs) => runs.filter(({ study }) => !study);

/** The newest run that is part of no study; undefined where there is none. */
export const newestOutside = (runs) => outside(runs)[0];

/** The run to look at where none is named: the newest in training, or else the newest; those of studies come last. */
export function firstChoice(runs) {
  const among = newestOutside(runs) ? outside(runs) : runs;
  return among.find(({ state }) => state === "training") ?? among[0];
}

/**
 * Keeps `runs`, the newest `limit` of them, and `total` of `state`, and as read `unreadable`: `read()` asks for
 * the list, `hear(event)` takes an event of it.
 */
export function setUpList(state, limit = null) {
  let reading = 0;
  let heard = []; // while an answer is on its way, which may be older than these

  return {
    async read() {
      reading += 1;
      const mine = reading;
      heard = [];
      const answer = await listRuns(limit);
      if (mine !== reading) return;
      reading = 0;
      state.set({ ...answer, ...heard.reduce(withNews, answer) });
      heard = [];
    },
    hear(news) {
      if (reading) heard.push(news);
      const { runs, total, unreadable } = state.get();
      if (runs) state.set(withNews({ runs, total, unreadable }, news));
    },
  };
}
