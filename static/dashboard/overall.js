// The comparison of raw and averaged weights over the whole run, as GET /runs/{id}/comparison answers it.

import { compareRun } from "../api.js";
import { ENDED } from "../curves/axis.js";
import { comparableSteps } from "./selection.js";

const RETRY_AFTER = 3_000; // ms
const SHARE = 0.05; // of the time, at most, that the server is to spend on it while a run goes on
const NOTHING = { selection: "", key: "" };

/**
 * Keeps `overall` in line with run, split and average, and with the checkpoints that arrive and the end of the run;
 * null as long as none is there of this selection. Returns the renderer.
 */
export function setUpOverall(state) {
  let wanted = NOTHING;
  let asking = false;
  let pending;
  let earliest = 0; // the next time to ask for the same selection, as the page's clock has it

  async function ask() {
    const asked = wanted;
    const { run, split, average } = state.get();
    const begun = performance.now();
    let again = false;
    asking = true;
    try {
      const overall = await compareRun(run.id, split, average);
      if (asked.selection === wanted.selection) state.set({ overall });
    } catch (problem) {
      again = !problem.status || problem.status >= 500;
    }
    asking = false;
    if (asked.selection === wanted.selection) {
      const now = performance.now();
      earliest = now + (again ? RETRY_AFTER : (now - begun) / SHARE);
    }
    if (wanted.selection && (again || asked !== wanted)) later();
  }

  function later() {
    clearTimeout(pending);
    pending = setTimeout(ask, Math.max(0, earliest - performance.now()));
  }

  return (now) => {
    const next = question(now);
    if (next.key === wanted.key) return;
    if (next.selection !== wanted.selection) {
      clearTimeout(pending);
      earliest = 0;
      state.set({ overall: null });
    }
    wanted = next;
    if (wanted.selection && !asking) later();
  };
}

/** What is looked at, and how far that is: the verdict of a run that goes on says so. */
function question(now) {
  const { run, split, average } = now;
  const steps = run && average ? comparableSteps(now) : [];
  if (!steps.length) return NOTHING;
  const selection = `${run.id} ${split} ${average}`;
  return { selection, key: `${selection} ${steps.length} ${steps.at(-1)} ${ENDED.has(run.state)}` };
}
