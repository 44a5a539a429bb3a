// What the run that is looked at started from, where that is another checkpoint: a line, and all of it on request.

import { readStart } from "../api.js";
import { byId, element, setText } from "../dom.js";
import { count } from "../format.js";
import { folderName, reportParts, weightsText, withoutKnob } from "../start/report.js";

/** Wire the line; returns the renderer. */
export function setUpStart(state) {
  const line = byId("start");
  const report = byId("start-told");
  let told = null; // the run that the report is of

  async function read() {
    const { run, runs } = state.get();
    if (!line.open || !run?.config.start_from || told === run.id) return;
    told = run.id;
    report.replaceChildren(element("p", { class: "caption", text: "Reading the checkpoint…" }));
    let parts;
    try {
      const { start, problem } = await readStart(run.id);
      parts = start ? reportParts(start) : [element("p", { text: gone(problem) })];
      parts.push(...link(run.config.start_from, runs));
    } catch (problem) {
      parts = [element("p", { class: "problem", text: problem.message })];
      if (told === run.id) told = null; // the next look asks again
    }
    if (state.get().run?.id === run.id) report.replaceChildren(...parts);
  }

  line.addEventListener("toggle", read);

  return ({ run, runs }) => {
    const start = run?.config.start_from;
    line.hidden = !start;
    if (told !== null && told !== run?.id) {
      told = null;
      report.replaceChildren();
      line.open = false;
    }
    if (start) setText(byId("start-summary"), words(run, sourceOf(start, runs)));
  };
}

const sourceOf = (start, runs) => runs?.find(({ id }) => id === start.run);

function words({ started_at: startedAt, config: { start_from: start } }, source) {
  const where = start.run ? source?.name ?? `the run ${start.run}` : folderName(start.folder);
  return `${startedAt === null ? "Starts" : "Started"} with the ${weightsText(start, source)} of step ${count(start.step)} of ${source ? `“${where}”` : where}`;
}

/** The way to the run that it started from, which may be gone. */
function link(start, runs) {
  const source = sourceOf(start, runs);
  if (!source) return [];
  return [element("p", {}, element("a", { href: `?run=${encodeURIComponent(source.id)}`, text: `Look at “${source.name}”` }))];
}

const gone = (problem) => `What was taken cannot be told any more: ${withoutKnob(problem)}`;
