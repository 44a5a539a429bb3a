// Whether raw and averaged weights read a kept drawing right: as marks, and counted.

import { article } from "../format.js";
import { element } from "../dom.js";

const NAMES = { raw: "raw", ema: "averaged" };

/** The reading by raw weights and by the chosen average (null where the run keeps none). */
const sides = (reading, average) => ({
  raw: reading?.raw ?? null, ema: reading?.averages.find((one) => one.average === average) ?? null,
});

/** Marks of a drawing that is a `digit`: { parts (elements), spoken }; a wrong reading shows the digit read. */
export function marks(digit, reading, average) {
  const read = Object.entries(sides(reading, average)).filter(([, side]) => side);
  const mark = (side) => (side.digit === digit ? "✓" : `✗${side.digit}`);
  const words = (side) => (side.digit === digit ? "reads it right" : `reads ${article(side.digit)} ${side.digit}`);
  return {
    parts: read.map(([kind, side]) => element("span", { class: `mark ${kind}`, text: mark(side) })),
    spoken: read.map(([kind, side]) => `${NAMES[kind]} ${words(side)}`).join(", ") || "Not read yet",
  };
}

/** How many of the drawings each reads right; `ema` is null where no average has read them. */
export function tally(drawings, readings, average) {
  const counted = { raw: 0, ema: null };
  for (const { id, label } of drawings) {
    const { raw, ema } = sides(readings.get(id), average);
    if (raw?.digit === label) counted.raw += 1;
    if (ema) counted.ema = (counted.ema ?? 0) + (ema.digit === label ? 1 : 0);
  }
  return counted;
}
