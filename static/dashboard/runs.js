// The run picker: the newest runs, the one that is looked at, and the way to all of them.

import { byId, element, setText } from "../dom.js";
import { count } from "../format.js";
import { newestOutside } from "./list.js";
import { stateName } from "./progress.js";

const ALL = "all"; // no id of a run: those have six characters
const STUDY = "study ";

/** Wire the picker; `onPick(id)` when another run is chosen. Returns the renderer. */
export function setUpRuns(onPick) {
  const picker = byId("run-picker");
  const newer = byId("newer-run");
  let shownId = "";
  picker.addEventListener("change", () => {
    const { value } = picker;
    const study = value.startsWith(STUDY) ? value.slice(STUDY.length) : null;
    if (value !== ALL && study === null) return onPick(value);
    picker.value = shownId;
    location.assign(study === null ? byId("all-runs").href : `study?study=${encodeURIComponent(study)}`);
  });
  newer.addEventListener("click", (event) => {
    event.preventDefault();
    onPick(newer.dataset.run);
  });

  return ({ runs, total, run }) => {
    if (!runs) return;
    const known = run && runs.some(({ id }) => id === run.id);
    const listed = runs.map((r) => (run?.id === r.id ? run : r));
    fill(picker, entries(run && !known ? [...listed, run] : listed, total, run));
    shownId = run?.id ?? "";
    picker.disabled = !runs.length;
    picker.value = shownId;
    const newest = newestOutside(runs);
    newer.hidden = !newest || !run || newest.id === run.id || newest.created_at <= run.created_at;
    if (!newer.hidden) {
      newer.dataset.run = newest.id;
      newer.href = `?run=${encodeURIComponent(newest.id)}`;
      setText(newer, "newest run");
    }
  };
}

const named = (run) => ({ key: run.id, text: `${run.name} · ${stateName(run).toLowerCase()} · ${run.id}` });

/** What the picker lists: runs, and those of a study as one, which leads to its page, unless one of them is looked at. */
export function entries(runs, total, run) {
  const studies = new Map(runs.filter(({ study }) => study).map(({ study }) => [study.id, study]));
  const folded = [...studies.values()].map(({ id, name }) => {
    const members = runs.filter(({ study }) => study?.id === id);
    return run?.study?.id === id
      ? { key: `of ${id}`, text: `Study: ${name}`, members: members.map(named) }
      : { key: STUDY + id, text: `Study: ${name}…` };
  });
  return [
    { key: "", text: runs.length ? "choose a run" : "no run yet", hidden: runs.length > 0 },
    ...runs.filter(({ study }) => !study).map(named),
    ...folded,
    ...(total > runs.length ? [{ key: ALL, text: `All ${count(total)} runs…` }] : []),
  ];
}

/** Options are changed in place, so that an open list stays open. */
function fill(parent, wanted) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  for (const [i, { key, text, hidden = false, members }] of wanted.entries()) {
    const child = there.get(key) ?? element(members ? "optgroup" : "option", { "data-key": key, value: members ? null : key });
    there.delete(key);
    child.hidden = hidden;
    if (members) {
      child.label = text;
      fill(child, members);
    } else setText(child, text);
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
  }
  for (const child of there.values()) child.remove();
}
