// The dialog that queues a study: how large, of which variants; the server's sentences beside the fields.

import { queueStudy } from "../api.js";
import { LOGGED_OUT } from "../dashboard/actions.js";
import { byId, setText } from "../dom.js";
import { count } from "../format.js";
import { changed, findings, parsed, saved } from "../run_form/knobs.js";

const MB = 1e6;

/** Wire the dialog, where the page has it; `onQueued(study)`. */
export function setUpForm(onQueued) {
  const dialog = byId("new-study");
  if (!dialog) return;
  const form = byId("study-form");
  const defaults = JSON.parse(form.dataset.defaults);
  const name = byId("study-label");
  const fields = [...form.querySelectorAll("input[inputmode]")];
  const boxes = [...form.querySelectorAll("input[name=variants]")];
  const sizes = [...form.querySelectorAll("[data-size]")];
  const blamed = [...fields.map((field) => field.name), "name", "variants"];

  function wanted() {
    const { seeds, ...knobs } = Object.fromEntries(fields.map((field) => [field.name, parsed(field.value, "number")]));
    return {
      name: name.value.trim(), seeds, config: changed(knobs, defaults),
      variants: boxes.filter(({ checked }) => checked).map(({ value }) => value),
    };
  }

  function onInput() {
    const { seeds, config, variants } = wanted();
    const knobs = { ...defaults, ...config };
    const runs = seeds * (variants.length + 1);
    const files = saved(knobs);
    const right = Number.isInteger(runs) && files;
    const size = () => `${count(runs)} runs of ${count(knobs.steps)} steps: ${count(runs * knobs.steps)} in all.`;
    const space = () => `Up to ${count(Math.ceil((runs * files.bytes) / MB))}\u00a0MB of checkpoints`;
    setText(byId("study-size"), right ? size() : "");
    setText(byId("study-saved"), right ? space() : "");
    for (const button of sizes) {
      const size = JSON.parse(button.dataset.size);
      const pressed = size.seeds === seeds && size.steps === knobs.steps && size.save_every === knobs.save_every;
      button.setAttribute("aria-pressed", String(pressed));
    }
  }

  function blame(detail) {
    for (const { knob, text } of findings(detail, blamed)) {
      const line = byId(`study-problem-${knob ?? "form"}`);
      setText(line, line.hidden ? text : `${line.textContent} ${text}`);
      line.hidden = false;
      fields.find((field) => field.name === knob)?.setAttribute("aria-invalid", "true");
    }
    (form.querySelector("[aria-invalid]") ?? byId("new-study-queue")).focus();
  }

  function forgive() {
    for (const line of form.querySelectorAll(".problem")) {
      line.hidden = true;
      setText(line, "");
    }
    for (const field of fields) field.removeAttribute("aria-invalid");
  }

  async function queue(event) {
    event.preventDefault();
    forgive();
    const button = byId("new-study-queue");
    button.disabled = true;
    try {
      onQueued(await queueStudy(wanted()));
    } catch (problem) {
      button.disabled = false;
      blame(problem.status === 401 ? LOGGED_OUT : problem.message);
    }
  }

  for (const button of sizes) {
    button.addEventListener("click", () => {
      for (const [knob, value] of Object.entries(JSON.parse(button.dataset.size))) byId(`study-${knob}`).value = value;
      forgive();
      onInput();
    });
  }
  for (const button of document.querySelectorAll("[data-new-study]")) {
    button.addEventListener("click", () => {
      onInput();
      dialog.showModal();
    });
  }
  for (const id of ["new-study-close", "new-study-cancel"]) byId(id).addEventListener("click", () => dialog.close());
  form.addEventListener("input", ({ target }) => {
    target.removeAttribute("aria-invalid");
    onInput();
  });
  form.addEventListener("submit", queue);
}
