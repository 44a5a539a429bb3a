// The curves of the ticked runs.

import { readHistory } from "../api.js";
import { fromAnswer } from "../dashboard/history.js";

/** [id, history] of those of the runs whose history can be read. */
export async function readHistories(ids) {
  const answers = await Promise.all(ids.map((id) => readHistory(id, 1).catch(() => null)));
  return ids.flatMap((id, i) => (answers[i] ? [[id, fromAnswer(answers[i])]] : []));
}

/** Keeps `histories` of `state`: of runs that have been ticked; each is asked for once. Returns the renderer. */
export function setUpHistories(state) {
  const asked = new Set();
  return async ({ runs, ticked, histories }) => {
    const missing = (ticked ?? []).filter((id) => !histories.has(id) && !asked.has(id) && runs?.some((run) => run.id === id));
    if (!missing.length) return;
    missing.forEach((id) => asked.add(id));
    const found = await readHistories(missing);
    missing.forEach((id) => asked.delete(id));
    if (found.length) state.set({ histories: new Map([...state.get().histories, ...found]) });
    else state.set({ notice: "The curves could not be read." });
  };
}
