// What a run has shown so far: evaluations by (step, weights, average, split), and training points by step.

const MOST_POINTS = 2_000;

const key = (e) => `${e.step} ${e.weights} ${e.average ?? ""} ${e.split}`;

export const emptyHistory = () => fromAnswer({ evaluations: [], training: { step: [], loss: [], decay: {} } });

/** The history as GET /runs/{id}/history answers it. */
export const fromAnswer = ({ evaluations, training }) => ({
  evaluations: new Map(evaluations.map((e) => [key(e), e])),
  training,
});

/** With one more evaluation; the same one twice changes nothing. */
export function withEvaluation(history, evaluation) {
  const evaluations = new Map(history.evaluations).set(key(evaluation), evaluation);
  return { ...history, evaluations };
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
  const training = { step: join(known.step, points.step), loss: join(known.loss, points.loss), decay };
  return { ...history, training };
}

/** Every other point of too many, the last one always among them. */
function thinned(values) {
  if (values.length <= MOST_POINTS) return values;
  return values.filter((_, i) => i % 2 === (values.length - 1) % 2);
}

/** The evaluations of one set of weights on one split by ascending step; `average` is null for the raw ones. */
export function curve(history, split, average) {
  return [...history.evaluations.values()]
    .filter((e) => e.split === split && (e.average ?? null) === average)
    .sort((a, b) => a.step - b.step);
}

/** Steps with the raw evaluation and those of `averages` (names) on a split, newest first. */
export function rows(history, split, averages) {
  const at = (step, weights, average) => history.evaluations.get(key({ step, weights, average, split }));
  return curve(history, split, null)
    .map((raw) => ({ step: raw.step, raw, averaged: averages.map((name) => at(raw.step, "ema", name)) }))
    .reverse();
}
