// The part of the form that says which checkpoint a new run's variables start with, and what comes of that.

import { listCheckpoints, previewRun } from "../api.js";
import { byId, element, setChildren } from "../dom.js";
import { count, decayName } from "../format.js";
import { optionElements, readChoices, runOption } from "../run_choices.js";
import { reportParts, withoutKnob } from "../start/report.js";

const STEPS = 500; // the newest
const NEWEST = ["latest", "Latest"];
const PAUSE = 250; // ms, in typing

/** Wire the part; `hidden()` are the widths of the run's layers, `onChange` is called when the part says something else. */
export function setUpStart(hidden, onChange) {
  const [runs, step, average, mappings, partial] = ["knob-start_from", "start-step", "start-average", "start-map", "start-partial"].map(byId);
  const report = byId("start-report");
  const refusal = byId("problem-start_from");
  let listed = []; // the runs that have a checkpoint
  let previewed = null; // what the report is of, as JSON
  let timer;

  const chosen = () => listed.find(({ id }) => id === runs.value);

  /** As the configuration has it: the fields in its order. */
  function get() {
    if (!runs.value) return null;
    return {
      run: runs.value, folder: "", step: /^\d+$/.test(step.value) ? Number(step.value) : step.value, average: average.value,
      map: mappings.value.split("\n").map((line) => line.trim()).filter(Boolean), partial: partial.checked,
    };
  }

  async function set(start) {
    const known = start?.run ? start : null; // a folder is for those who sit at the server
    ensure(runs, known?.run ?? "", known ? `run ${known.run}` : "");
    ensure(step, String(known?.step ?? "latest"), known ? count(known.step) : "");
    ensure(average, known?.average ?? "", known?.average);
    mappings.value = known?.map.join("\n") ?? "";
    partial.checked = known?.partial ?? false;
    await render();
  }

  /** The runs that there are now, whenever the form is opened. */
  async function open() {
    const newest = await readChoices().catch(() => []); // without them there is nothing to start from
    listed = newest.filter((run) => run.latest_checkpoint !== null);
    options(runs, [["", "Nothing: all by the seed"], ...listed.map(runOption)]);
    await render();
  }

  async function render() {
    for (const one of document.querySelectorAll("[data-start]")) one.hidden = !runs.value;
    const run = chosen();
    if (run) {
      const averages = run.averages.map((one) => [one.name, `Averaged ${decayName(one)}`]);
      options(average, [["", "Raw"], ...averages]);
      const answer = await listCheckpoints(run.id).catch(() => null);
      if (chosen()?.id !== run.id) return;
      const there = (answer?.checkpoints ?? []).filter(({ present }) => present).map((one) => one.step).reverse();
      options(step, [
        there.length ? ["latest", `Latest (${count(there[0])})`] : NEWEST, ["best", "Best on validation"],
        ...there.slice(0, STEPS).map((one) => [String(one), count(one)]),
      ]);
    }
    preview();
  }

  /** What the run would start with: told anew wherever something changes that it depends on. */
  function preview() {
    const start = get();
    const asked = start && JSON.stringify({ hidden: hidden(), start_from: start });
    if (asked === previewed) return;
    previewed = asked;
    refusal.hidden = true; // it was about what has changed
    runs.removeAttribute("aria-invalid");
    clearTimeout(timer);
    if (asked === null) report.replaceChildren();
    else timer = setTimeout(() => ask(asked), PAUSE);
  }

  async function ask(asked) {
    let parts;
    try {
      parts = reportParts((await previewRun(JSON.parse(asked))).start);
    } catch (problem) {
      parts = [element("p", { class: "problem", text: withoutKnob(problem.message) })];
    }
    if (asked === previewed) report.replaceChildren(...parts);
  }

  runs.addEventListener("change", async () => {
    for (const list of [step, average]) list.replaceChildren(); // they were about another run
    options(step, [NEWEST]);
    await render();
    onChange();
  });

  /** The start was refused, for what `refusal` tells: what was told before is no longer so, or the same. */
  const blame = () => report.replaceChildren();

  return { get, set, open, preview, blame };
}

/** Let a list have these options, and the one that is chosen. */
function options(select, wanted) {
  const { value } = select;
  const text = select.selectedOptions[0]?.textContent;
  const all = !value || wanted.some(([one]) => one === value) ? wanted : [...wanted, [value, text]];
  setChildren(select, ...optionElements(all));
  select.value = value || wanted[0][0];
}

/** Choose a value, which becomes an option of the list where it is none yet. */
function ensure(select, value, text) {
  if (![...select.options].some((option) => option.value === value)) select.append(element("option", { value, text }));
  select.value = value;
}
