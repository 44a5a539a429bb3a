// What is typed into the form, as the configuration that POST /runs takes.

/** One field as a value: a number where it is one, else the text as it is, on which the server has a sentence. */
export function parsed(text, kind) {
  const typed = text.trim();
  if (kind === "list") return typed === "" ? [] : typed.split(/[\s,+]+/).filter(Boolean).map(number);
  return kind === "choice" ? typed : number(typed);
}

function number(text) {
  const value = Number(text);
  return text === "" || !Number.isFinite(value) ? text : value;
}

const INPUTS = 28 * 28;
const DIGITS = 10;
const BYTES = 4; // float32

/** How many checkpoints a run of these knobs saves, and about how many bytes in all; null where a knob is no number. */
export function saved({ steps, save_every: every, hidden, optimizer, averages }) {
  const widths = [INPUTS, ...hidden, DIGITS];
  if (![steps, every, ...widths].every((value) => Number.isInteger(value) && value > 0)) return null;
  const weights = widths.slice(1).reduce((sum, width, i) => sum + (widths[i] + 1) * width, 0);
  const copies = 1 + averages.length + (optimizer === "momentum" ? 1 : 0);
  const checkpoints = 1 + Math.ceil(steps / every); // one at step 0, and one at the end
  return { checkpoints, bytes: checkpoints * copies * weights * BYTES };
}

/** A value as one would type it. */
export const written = (value) => (Array.isArray(value) ? value.join(", ") : String(value));

/** Averages without the names that the server gives. */
const unnamed = (averages) => averages.map(({ decay, num_updates = true }) => ({ decay, num_updates }));

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** What of `knobs` differs from `defaults`; a knob that has no effect is as by default. */
export function changed(knobs, defaults) {
  const all = { ...defaults, ...knobs };
  if (all.optimizer !== "momentum") all.momentum = defaults.momentum;
  const plainly = (name, value) => (name === "averages" ? unnamed(value) : value);
  return Object.fromEntries(Object.keys(defaults)
    .filter((name) => !same(plainly(name, all[name]), plainly(name, defaults[name])))
    .map((name) => [name, plainly(name, all[name])]));
}

/** Whether two configurations are the same. */
export const equal = (one, other, defaults) => same(changed(one, defaults), changed(other, defaults));

/**
 * The sentences of a refusal, each with the knob that it is about: `steps is 0; expected …` is about steps,
 * `averages.1.decay is 2; …` about averages, at place 1. `knob` is null where a sentence names none of them.
 */
export function findings(detail, names) {
  const begin = new RegExp(`(?:^|(?<=\\. ))(?=(?:${names.join("|")})(?:\\.\\w+)* (?:is|has) )`);
  return detail.split(begin).map((text) => {
    const [, knob = null, place = null] = text.match(/^(\w+)(?:\.(\d+))?(?:\.\w+)* (?:is|has) /) ?? [];
    if (knob !== null && names.includes(knob)) return { knob, place: place === null ? null : Number(place), text: text.trim() };
    return { knob: /^two averages|^an average/.test(text) ? "averages" : null, place: null, text: text.trim() };
  });
}
