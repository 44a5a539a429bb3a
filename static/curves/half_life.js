// What a decay means: after how many steps half of a weight's value is gone from the average.

import { count } from "../format.js";

/** Steps until decay^steps = ½; null for a decay that has none: 0 keeps nothing, 1 keeps all for ever. */
export const halfLife = (decay) => (decay > 0 && decay < 1 ? Math.log(0.5) / Math.log(decay) : null);

/** A half-life in words: "69 steps". */
export function halfLifeWords(decay) {
  const steps = halfLife(decay);
  if (steps === null) return decay >= 1 ? "never halves" : "keeps nothing";
  const text = steps < 9.95 ? steps.toFixed(1) : count(Math.round(steps));
  return `${text}\u00a0${text === "1.0" ? "step" : "steps"}`;
}
