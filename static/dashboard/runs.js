// The run picker.

import { byId, element, setText } from "../dom.js";
import { stateName } from "./progress.js";

/** Wire the picker; `onPick(id)` when another run is chosen. Returns the renderer. */
export function setUpRuns(onPick) {
  const picker = byId("run-picker");
  const newer = byId("newer-run");
  picker.add(element("option", { value: "", text: "no run yet" }));
  picker.addEventListener("change", () => onPick(picker.value));
  newer.addEventListener("click", (event) => {
    event.preventDefault();
    onPick(newer.dataset.run);
  });

  return ({ runs, runId, run }) => {
    if (!runs) return;
    const shown = runs.map((r) => (run?.id === r.id ? run : r));
    updateOptions(picker, shown);
    picker.disabled = !runs.length;
    picker.value = runs.some((r) => r.id === runId) ? runId : "";
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
function updateOptions(picker, runs) {
  const [none, ...options] = picker.options;
  none.textContent = runs.length ? "choose a run" : "no run yet";
  none.hidden = runs.length > 0;
  const there = new Map(options.map((option) => [option.value, option]));
  for (const [i, run] of runs.entries()) {
    const option = there.get(run.id) ?? element("option", { value: run.id });
    there.delete(run.id);
    setText(option, `${run.name} · ${stateName(run).toLowerCase()} · ${run.id}`);
    if (picker.options[i + 1] !== option) picker.add(option, picker.options[i + 1] ?? null);
  }
  for (const option of there.values()) option.remove();
}
