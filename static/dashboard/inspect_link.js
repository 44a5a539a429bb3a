// The way into the checkpoint that is looked at: its variables, raw and averaged.

import { byId } from "../dom.js";
import { shownStep } from "./selection.js";

/** Keep the links in line with the run and the step. */
export function renderInspectLink(state) {
  const { runId } = state;
  const step = runId === null ? null : shownStep(state);
  const address = new URLSearchParams({ ...(runId && { run: runId }), ...(step !== null && { step }) });
  for (const id of ["inspect", "inspect-step"]) byId(id).href = `inspect?${address}`;
}
