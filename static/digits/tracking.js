// The image that is looked at, as GET /runs/{id}/readings answers it: read by every checkpoint of the run.

import { readThroughTraining } from "../api.js";
import { nearest } from "../curves/series.js";
import { comparableSteps } from "../dashboard/selection.js";

const KEPT = 30; // answers

/**
 * Keeps `track` in line with run, split and image, and with the newest checkpoint of a run that goes on; null as long
 * as there is none of this image. `tracking`: whether one is on its way. Returns the renderer.
 */
export function setUpTracking(state) {
  const kept = new Map();
  let wanted = null;
  let picture = null;

  function settle(key, track) {
    kept.delete(key);
    kept.set(key, track);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    if (wanted === key) state.set({ track, tracking: false, trackProblem: null });
  }

  async function fetchFor(key, ...question) {
    try {
      settle(key, await readThroughTraining(...question));
    } catch (problem) {
      if (wanted === key) state.set({ tracking: false, trackProblem: problem.message });
    }
  }

  return (now) => {
    const { run, loaded, split, image } = now;
    const looking = run && loaded && image !== null;
    const other = picture;
    picture = looking ? `${run.id} ${split} ${image}` : null;
    const key = looking ? `${picture} ${comparableSteps(now).at(-1) ?? ""}` : null;
    if (key === wanted) return;
    wanted = key;
    if (key === null) return state.set({ track: null, tracking: false, trackProblem: null });
    if (kept.has(key)) return settle(key, kept.get(key));
    state.set({ tracking: true, trackProblem: null, ...(other !== picture && { track: null }) });
    fetchFor(key, run.id, split, image);
  };
}

/** What a track has at the step nearest to the shown one: { place, step, raw, ema }, the last two as readings. */
export function readingsAt(track, average, step) {
  const place = nearest(track.step, step);
  if (place < 0) return null;
  const reading = (weights) => weights && {
    digit: weights.digit[place], confidence: weights.confidence[place], probabilities: weights.probabilities[place],
  };
  return { place, step: track.step[place], raw: reading(track.raw), ema: reading(track.averages[average]) ?? null };
}
