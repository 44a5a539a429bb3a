// What a run has shown so far: a curve of evaluations for each set of weights and split, and the training's points.

const MOST_POINTS = 2_000;

const key = (split, average) => `${split} ${average ?? ""}`;

export const emptyHistory = () => fromAnswer({ evaluations: [], training: { step: [], loss: [], learning_rate: [], decay: {} } });

/** The history as GET /runs/{id}/history answers it. */
export function fromAnswer({ evaluations, training }) {
  const curves = new Map();
  for (const evaluation of evaluations) {
    const name = key(evaluation.split, evaluation.average);
    if (!curves.has(name)) curves.set(name, []);
    curves.get(name).push(evaluation);
  }
  for (const points of curves.values()) points.sort((a, b) => a.step - b.step);
  return { curves, training };
}

/** With one more evaluation; the same one twice changes nothing. */
export function withEvaluation(history, evaluation) {
  const name = key(evaluation.split, evaluation.average);
  const points = history.curves.get(name) ?? [];
  let place = points.length;
  while (place > 0 && points[place - 1].step >= evaluation.step) place -= 1;
  const same = points[place]?.step === evaluation.step;
  const longer = [...points.slice(0, place), evaluation, ...points.slice(place + (same ? 1 : 0))];
  return { ...history, curves: new Map(history.curves).set(name, longer) };
}

/** With the training points beyond the last one known; points that are known already change nothing. */
export function withTraining(history, points) {
  const known = history.training;
  const last = known.step.at(-1) ?? -1;
  const first = points.step.findIndex((step) => step > last);
  if (first < 0) return history;
  const join = (a = [], b = []) => thinned([...a, ...b.slice(first)]);
  const decay = Object.fromEntries(
    Object.keys(points.decay).map((name) => [name, join(known.decay[name], points.decay[name])]),
  );
  const training = {
    step: join(known.step, points.step),
    loss: join(known.loss, points.loss),
    learning_rate: join(known.learning_rate, points.learning_rate),
    decay,
  };
  return { ...history, training };
}

/** Every other point of too many, the last one always among them. */
function thinned(values) {
  if (values.length <= MOST_POINTS) return values;
  return values.filter((_, i) => i % 2 === (values.length - 1) % 2);
}

const NONE = [];

/** The evaluations of one set of weights on one split by ascending step; `average` is null for the raw ones. */
export const curve = (history, split, average) => history.curves.get(key(split, average)) ?? NONE;

/** Steps with the raw evaluation and those of `averages` (names) on a split, by ascending step. */
export function rows(history, split, averages) {
  const others = averages.map((name) => new Map(curve(history, split, name).map((e) => [e.step, e])));
  return curve(history, split, null).map((raw) => ({
    step: raw.step,
    raw,
    averaged: others.map((evaluations) => evaluations.get(raw.step)),
  }));
}
