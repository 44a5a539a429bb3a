// What every checkpoint of the run reads in the drawing: fetched when the pen rests, and only while it is looked at.

import { readDrawingThroughTraining } from "../api.js";

const REST = 600; // ms: the pen rests when nothing has changed for so long
const RETRY_AFTER = 4_000; // ms

/**
 * `isDrawing()`: whether the pen is down, when nothing is fetched. `onChange()` follows every new answer or problem.
 * → { want, hold, track, problem, isCurrent }
 */
export function createFetching(isDrawing, onChange) {
  let wanted = null; // [run id, its newest checkpoint, image]
  let track = null; // the last answer, which stays until the next one has come
  let problem = "";
  let current = false;
  let due;
  let request = null;

  function plan() {
    clearTimeout(due);
    request?.abort();
    request = null;
    current = false;
    if (wanted) due = setTimeout(() => (isDrawing() ? plan() : fetchIt()), REST);
  }

  async function fetchIt() {
    const [run, , image] = wanted;
    const mine = new AbortController();
    request = mine;
    try {
      const answer = await readDrawingThroughTraining(run, image, mine.signal);
      if (request !== mine) return;
      [track, problem, current] = [answer, "", true];
    } catch (error) {
      if (request !== mine) return;
      [track, problem] = [null, error.message];
      if (!error.status || error.status >= 500) due = setTimeout(fetchIt, RETRY_AFTER);
    }
    onChange();
  }

  return {
    /** Have this fetched: the run's id, its newest checkpoint, the image; or null for nothing. */
    want(next) {
      if (wanted === next || (wanted && next?.every((value, i) => value === wanted[i]))) return;
      if (!next || (wanted && next[0] !== wanted[0])) [track, problem] = [null, ""];
      wanted = next;
      plan();
    },
    /** What was wanted is outdated; the last answer stays. */
    hold() {
      if (wanted === null) return;
      wanted = null;
      plan();
    },
    track: () => track,
    problem: () => problem,
    isCurrent: () => current,
  };
}
