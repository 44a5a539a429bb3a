// The dialog that queues a run: every knob, presets, and the server's sentences beside the fields they are about.

import { queueRun } from "../api.js";
import { LOGGED_OUT } from "../dashboard/actions.js";
import { isWatched } from "../dashboard/files.js";
import { byId, setText } from "../dom.js";
import { count } from "../format.js";
import { setUpAverages } from "./averages.js";
import { changed, equal, findings, parsed, saved, written } from "./knobs.js";
import { setUpStart } from "./start.js";

/** Wire the dialog, where the page has it. `shownRun()` is the run that is looked at, or null. */
export function setUpRunForm(shownRun, onQueued) {
  const dialog = byId("new-run");
  if (!dialog) return;
  const form = byId("run-form");
  const name = byId("run-name");
  const defaults = JSON.parse(form.dataset.defaults);
  const fields = [...form.querySelectorAll("[name]")];
  const presets = [...form.querySelectorAll(".presets button[data-knobs]")];
  const same = byId("same-knobs");
  const averages = setUpAverages(Number(form.dataset.mostAverages), onInput);
  const widths = form.elements.hidden;
  const start = setUpStart(() => parsed(widths.value, kind(widths)), onInput);
  const names = [...Object.keys(defaults), "name"];
  let pressed = null; // the button that was pressed last

  const kind = (field) => field.dataset.kind ?? "choice";
  const knobs = () => ({
    ...Object.fromEntries(fields.map((field) => [field.name, parsed(field.value, kind(field))])),
    averages: averages.get(),
    start_from: start.get(),
  });

  function fill(given, button = null) {
    pressed = button;
    const all = { ...defaults, ...given };
    for (const field of fields) field.value = written(all[field.name]);
    averages.set(all.averages);
    start.set(all.start_from);
    forgive();
    onInput();
  }

  function onInput() {
    const now = knobs();
    const differs = changed(now, defaults);
    for (const field of fields) field.closest(".knob").classList.toggle("changed", field.name in differs);
    byId("knob-momentum").disabled = now.optimizer !== "momentum";
    start.preview();
    const files = saved(now);
    setText(byId("new-run-saved"), files ? `${count(files.checkpoints)} checkpoints, about ${size(files.bytes)}` : "");
    const run = shownRun();
    const ours = run && !isWatched(run);
    same.hidden = !ours;
    const fitting = presets.filter((preset) => equal(JSON.parse(preset.dataset.knobs), now, defaults));
    const help = fitting[0]?.title;
    if (ours && equal(run.config, now, defaults)) fitting.push(same);
    // Two buttons may stand for the same knobs; one is pressed.
    const one = fitting.includes(pressed) ? pressed : fitting[0];
    for (const button of [...presets, same]) button.setAttribute("aria-pressed", String(button === one));
    setText(byId("preset-help"), help ? `${help}.` : `Differs from the reference recipe in: ${Object.keys(differs).join(", ").replaceAll("_", " ")}.`);
  }

  function blame(detail) {
    for (const { knob, place, text } of findings(detail, names)) {
      const line = byId(`problem-${knob ?? "form"}`);
      setText(line, line.hidden ? text : `${line.textContent} ${text}`);
      line.hidden = false;
      if (knob === "start_from") start.blame();
      if (knob === "averages") averages.blame(place);
      else if (knob) byId(knob === "name" ? "run-name" : `knob-${knob}`).setAttribute("aria-invalid", "true");
    }
    const first = form.querySelector("[aria-invalid]") ?? byId("new-run-queue");
    first.focus();
    first.scrollIntoView({ block: "center" });
  }

  function forgive() {
    for (const line of form.querySelectorAll(".problem[id]")) { // not what the report says
      line.hidden = true;
      setText(line, "");
    }
    for (const field of [name, byId("knob-start_from"), ...fields]) field.removeAttribute("aria-invalid");
    averages.forgive();
  }

  async function queue(event) {
    event.preventDefault();
    forgive();
    byId("new-run-queue").disabled = true;
    try {
      const run = await queueRun(name.value.trim(), changed(knobs(), defaults));
      name.value = "";
      fill({}); // the next one begins with the reference recipe, too; "As this run" is a click away
      dialog.close();
      onQueued(run);
    } catch (problem) {
      byId("new-run-queue").disabled = false;
      blame(problem.status === 401 ? LOGGED_OUT : problem.message);
    }
    byId("new-run-queue").disabled = false;
  }

  fill({});
  for (const button of document.querySelectorAll("[data-new-run]")) {
    button.addEventListener("click", () => {
      onInput();
      start.open();
      dialog.showModal();
      dialog.querySelector(".form-body").scrollTop = 0;
    });
  }
  for (const preset of presets) preset.addEventListener("click", () => fill(JSON.parse(preset.dataset.knobs), preset));
  same.addEventListener("click", () => fill(shownRun().config, same));
  for (const id of ["new-run-close", "new-run-cancel"]) byId(id).addEventListener("click", () => dialog.close());
  form.addEventListener("input", ({ target }) => {
    target.removeAttribute("aria-invalid");
    if (target.name) byId(`problem-${target.name}`).hidden = true;
    onInput();
  });
  form.addEventListener("submit", queue);
}

/** 12 MB, 3.4 GB. */
const size = (bytes) => (bytes < 1e9 ? `${count(Math.ceil(bytes / 1e6))}\u00a0MB` : `${count(Number((bytes / 1e9).toPrecision(2)))}\u00a0GB`);
