// The run picker: the newest runs, the one that is looked at, and the way to all of them.

import { byId, element, setText } from "../dom.js";
import { count } from "../format.js";
import { stateName } from "./progress.js";

const ALL = "all"; // no id of a run: those have six characters

/** Wire the picker; `onPick(id)` when another run is chosen. Returns the renderer. */
export function setUpRuns(onPick) {
  const picker = byId("run-picker");
  const newer = byId("newer-run");
  let shownId = "";
  picker.add(element("option", { value: "" }));
  picker.addEventListener("change", () => {
    const { value } = picker;
    if (value !== ALL) return onPick(value);
    picker.value = shownId;
    location.assign(byId("all-runs").href);
  });
  newer.addEventListener("click", (event) => {
    event.preventDefault();
    onPick(newer.dataset.run);
  });

  return ({ runs, total, run }) => {
    if (!runs) return;
    const known = run && runs.some(({ id }) => id === run.id);
    const listed = runs.map((r) => (run?.id === r.id ? run : r));
    updateOptions(picker, run && !known ? [...listed, run] : listed, total);
    shownId = run?.id ?? "";
    picker.disabled = !runs.length;
    picker.value = shownId;
    const newest = runs[0];
    newer.hidden = !newest || !run || newest.id === run.id || newest.created_at <= run.created_at;
    if (!newer.hidden) {
      newer.dataset.run = newest.id;
      newer.href = `?run=${encodeURIComponent(newest.id)}`;
      setText(newer, "newest run");
    }
  };
}

/** Options are changed in place, so that an open list stays open. */
function updateOptions(picker, runs, total) {
  const [none, ...options] = picker.options;
  setText(none, runs.length ? "choose a run" : "no run yet");
  none.hidden = runs.length > 0;
  const wanted = runs.map((run) => [run.id, `${run.name} · ${stateName(run).toLowerCase()} · ${run.id}`]);
  if (total > runs.length) wanted.push([ALL, `All ${count(total)} runs…`]);
  const there = new Map(options.map((option) => [option.value, option]));
  for (const [i, [value, text]] of wanted.entries()) {
    const option = there.get(value) ?? element("option", { value });
    there.delete(value);
    setText(option, text);
    if (picker.options[i + 1] !== option) picker.add(option, picker.options[i + 1] ?? null);
  }
  for (const option of there.values()) option.remove();
}
