// The runs that a list offers: those outside studies first, then each study's in a group of its own.

import { listRuns } from "./api.js";
import { element } from "./dom.js";

const LISTED = 100; // the newest: of those outside studies, and of all

/** The newest runs, in the order in which they are offered. */
export async function readChoices() {
  const [outside, all] = await Promise.all([listRuns(LISTED, true), listRuns(LISTED)]);
  return [...outside.runs, ...all.runs.filter(({ study }) => study)];
}

/** A run as `optionElements` takes it. */
export const runOption = ({ id, name, study }) => [id, `${name} · ${id}`, study];

/** Options of `[value, text]`, and of `[value, text, study]` in the group of their study. */
export function optionElements(wanted) {
  const groups = new Map();
  return wanted.flatMap(([value, text, study]) => {
    const option = element("option", { value, text });
    if (!study) return [option];
    const known = groups.get(study.id);
    const group = known ?? element("optgroup", { label: `Study: ${study.name}` });
    group.append(option);
    groups.set(study.id, group);
    return known ? [] : [group];
  });
}
