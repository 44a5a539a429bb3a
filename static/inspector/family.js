// Variables and what belongs to them, from the list that the server gives.

const FIRST = "ExponentialMovingAverage"; // TensorFlow's own

/** Each variable at once followed by its averages and its slots; in between as they come. */
export function inFamilies(variables) {
  const names = new Set(variables.map(({ name }) => name));
  const kept = new Map();
  const firsts = [];
  for (const variable of variables) {
    const of = names.has(variable.of) ? variable.of : null;
    if (of === null) firsts.push(variable);
    else kept.set(of, [...(kept.get(of) ?? []), variable]);
  }
  const rank = ({ kind, average }) => (average === FIRST ? 0 : kind === "average" ? 1 : 2);
  return firsts.flatMap((first) =>
    [first, ...(kept.get(first.name) ?? []).toSorted((a, b) => rank(a) - rank(b))]);
}

const VALUE = /\/\.ATTRIBUTES\/VARIABLE_VALUE$/; // ends the names of object-based checkpoints

/** A name without what all names of an object-based checkpoint end with. */
export const shortName = (name) => name.replace(VALUE, "");

/** What a name has beyond that of the variable it belongs to: "/Momentum"; null where it is another name. */
export function ownPart(name, of) {
  const base = shortName(of);
  return name.startsWith(`${base}/`) ? shortName(name.slice(base.length)) : null;
}

/** The variables with all words of `filter` in their names, kinds or types. */
export function filtered(variables, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return variables.filter(({ name, kind, dtype }) => {
    const text = `${name} ${kind} ${dtype}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The names of all averages in a checkpoint, TensorFlow's own first. */
export function averagesIn(variables) {
  const names = [...new Set(variables.map(({ average }) => average).filter(Boolean))].sort();
  return [...names.filter((name) => name === FIRST), ...names.filter((name) => name !== FIRST)];
}

/** The average that is looked at: the chosen one, or the first. */
export function chosenAverage({ variables, average }) {
  const there = averagesIn(variables ?? []);
  return there.includes(average) ? average : there[0] ?? null;
}

/** What a checkpoint holds, in words: "4 raw, 8 averages, 1 counter". */
export function tally(variables) {
  const words = { raw: ["raw", "raw"], average: ["average", "averages"], slot: ["slot", "slots"],
    counter: ["counter", "counters"], other: ["other", "other"] };
  return Object.entries(words).flatMap(([kind, [one, more]]) => {
    const found = variables.filter((variable) => variable.kind === kind).length;
    return found ? [`${found.toLocaleString("en")} ${found === 1 ? one : more}`] : [];
  }).join(", ");
}

/** Batches of names to measure, of some MB each; a family stays together, for an average needs its raw variable. */
export function batches(variables, all, most) {
  const bytes = new Map(all.map((variable) => [variable.name, variable.bytes]));
  const found = [];
  let size = Infinity;
  for (const { name, of, kind, bytes: own } of variables) {
    const weight = own + (kind === "average" ? bytes.get(of) ?? 0 : 0);
    if (weight > most) continue; // measured where it is looked at
    if (size + weight > most || found.at(-1).length >= 100) {
      found.push([]);
      size = 0;
    }
    found.at(-1).push(name);
    size += weight;
  }
  return found;
}

const whole = new Intl.NumberFormat("en");

/** A shape as it is written: "784 × 500", or "scalar". */
export const shapeText = (shape) => (shape.length ? shape.map((n) => whole.format(n)).join(" × ") : "scalar");
