// What can be done to the run: stop, resume, rename, delete. Which of it, its state says.

import { deleteRun, renameRun, resumeRun, stopRun } from "../api.js";
import { confirmed } from "../confirm.js";
import { byId, setText } from "../dom.js";
import { count } from "../format.js";
import { isWatched } from "./files.js";

const STOP_WORDS = { training: "Stop", queued: "Take off the queue", watched: "Stop watching" };
const RESUMABLE = new Set(["stopped", "failed"]);

/** Wire the buttons, which a page without the right to change anything lacks; returns the renderer. */
export function setUpActions(state, onDeleted) {
  if (!byId("actions")) return () => {};
  const named = (name) => byId(`${name}-run`);
  let busy = false;

  /** Do `act` to the run that is looked at, `what` it was in the sentence where it fails. */
  async function attempt(what, act) {
    const { run } = state.get();
    busy = true;
    try {
      const answer = await act(run);
      const now = state.get().run;
      // The step is left to the events, which come in order.
      if (answer && now?.id === answer.id) state.set({ run: { ...answer, step: now.step } });
    } catch (problem) {
      state.set({ notice: problem.status === 401 ? LOGGED_OUT : `The run could not be ${what}: ${problem.message}` });
    }
    busy = false;
    state.set({});
  }

  named("stop").addEventListener("click", async () => {
    if (await agreedToStop(state.get().run)) attempt("stopped", ({ id }) => stopRun(id));
  });
  named("resume").addEventListener("click", () => attempt("resumed", ({ id }) => resumeRun(id)));
  named("delete").addEventListener("click", async () => {
    if (await agreedToDelete(state.get().run)) {
      attempt("deleted", async (run) => {
        await deleteRun(run.id);
        onDeleted(run);
      });
    }
  });
  setUpRename(state);

  return ({ run }) => {
    if (!run) return;
    const { state: is } = run;
    named("stop").hidden = !STOP_WORDS[is];
    setText(named("stop"), STOP_WORDS[is] ?? "");
    named("stop").disabled = busy || run.stop_requested;
    named("resume").hidden = !RESUMABLE.has(is);
    setText(named("resume"), isWatched(run) ? "Watch again" : "Resume");
    named("resume").disabled = busy;
    named("delete").hidden = is === "training";
    named("delete").disabled = busy;
  };
}

/** What a page says that has been open for longer than its login holds. */
export const LOGGED_OUT = "Your login has ended. Reload the page to log in again.";

const agreedToStop = ({ name, state }) => {
  if (state === "watched") return true; // it harms nothing, and can be watched again
  return state === "training"
    ? confirmed({
      question: "Stop this run?",
      text: `“${name}” saves a checkpoint at the step that it has reached, and stops within a moment; ` +
        "it can be resumed from there.",
      yes: "Stop the run",
      no: "Keep training",
    })
    : confirmed({
      question: "Take this run off the queue?",
      text: `“${name}” is not in training. It will be listed as stopped and can be queued again.`,
      yes: "Take it off",
      no: "Keep it queued",
    });
};

const agreedToDelete = (run) => confirmed({
  question: "Delete this run?",
  text: `“${run.name}” (${run.id}): ${whatGoes(run)} are gone for good. This cannot be undone.${whatStays(run)}`,
  yes: "Delete the run",
  no: "Keep it",
  grave: true,
});

function whatGoes(run) {
  if (isWatched(run)) return "its curves and its evaluations";
  const last = run.latest_checkpoint;
  return `its curves, its evaluations and its ${last === null ? "files" : `checkpoints up to step ${count(last)}`}`;
}

const whatStays = (run) => (isWatched(run) ? ` The files in ${run.config.folder} stay as they are.` : "");

function setUpRename(state) {
  const dialog = byId("rename");
  const name = byId("rename-name");
  const problem = byId("rename-problem");
  let id = null;

  byId("rename-run").addEventListener("click", () => {
    const { run } = state.get();
    id = run.id;
    name.value = run.name;
    say("");
    dialog.showModal();
    name.select();
  });
  byId("rename-cancel").addEventListener("click", () => dialog.close());
  byId("rename-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await renameRun(id, name.value);
      const { run } = state.get();
      if (run?.id === answer.id) state.set({ run: { ...run, name: answer.name } });
      dialog.close();
    } catch (error) {
      say(error.status === 401 ? LOGGED_OUT : error.message);
      name.focus();
    }
  });

  function say(text) {
    setText(problem, text);
    problem.hidden = !text;
    name.ariaInvalid = text ? "true" : null;
  }
}
