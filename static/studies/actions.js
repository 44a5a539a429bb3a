// What can be done to a study: stop, resume, delete. Which of it, its state says.

import { deleteStudy, resumeStudy, stopStudy } from "../api.js";
import { confirmed } from "../confirm.js";
import { LOGGED_OUT } from "../dashboard/actions.js";
import { byId } from "../dom.js";
import { count } from "../format.js";

/** Wire the buttons, which a page without the right to change anything lacks; returns the renderer. */
export function setUpActions(state, read) {
  if (!byId("stop-study")) return () => {};
  const [stop, resume, remove] = ["stop", "resume", "delete"].map((name) => byId(`${name}-study`));
  let busy = false;

  async function attempt(what, act, after = read) {
    busy = true;
    state.set({});
    try {
      await act(state.get().report.study.id);
      await after();
    } catch (problem) {
      state.set({ notice: problem.status === 401 ? LOGGED_OUT : `The study could not be ${what}: ${problem.message}` });
    }
    busy = false;
    state.set({ leaving: false });
  }

  stop.addEventListener("click", async () => {
    if (await confirmed({
      question: "Stop this study?",
      text: "Its runs leave the queue; what is in training saves a checkpoint and stops. " +
        "All of it can be resumed from there.",
      yes: "Stop the study",
      no: "Keep it going",
    })) attempt("stopped", stopStudy);
  });
  resume.addEventListener("click", () => attempt("resumed", resumeStudy));
  remove.addEventListener("click", async () => {
    const { study, runs } = state.get().report;
    if (await confirmed({
      question: "Delete this study?",
      text: `“${study.name}” (${study.id}) and its ${count(runs.length)} runs, with their curves, evaluations ` +
        "and checkpoints, are gone for good. This cannot be undone.",
      yes: "Delete the study",
      no: "Keep it",
      grave: true,
    })) {
      state.set({ leaving: true });
      attempt("deleted", deleteStudy, () => new Promise(() => location.assign("study"))); // and nothing after that
    }
  });

  return ({ report }) => {
    if (!report) return;
    const states = new Set(report.runs.map((run) => run.state));
    stop.hidden = !states.has("queued") && !states.has("training");
    resume.hidden = !states.has("stopped") && !states.has("failed");
    remove.hidden = states.has("training");
    for (const button of [stop, resume, remove]) button.disabled = busy;
  };
}
