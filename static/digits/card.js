// One image with what it is and what was read in it, as a button that opens its details.

import { element } from "../dom.js";
import { article, percent } from "../format.js";

const WORDS = { raw: "raw", ema: "averaged" };

export const imageAddress = (split, index) => `images/${split}/${index}.png`;

/** A card of `entry` { index, label, raw?, ema? }, a reading { digit, confidence }; `picture`: an element or null. */
export function card(entry, split, picture) {
  const { index, label } = entry;
  const kinds = ["raw", "ema"].filter((kind) => entry[kind]);
  const readings = kinds.map((kind) => `${WORDS[kind]} reads ${spoken(entry[kind], label)}`);
  const name = `${split} image ${index}, ${article(label)} ${label}: ${readings.join("; ")}`;
  return element("button", { type: "button", class: "card", "data-index": index, "aria-label": name },
    ...(picture ? [element("span", { class: "paper" }, picture)] : []),
    element("span", { class: "is" }, `${article(label)} `, element("b", { text: label })),
    ...kinds.map((kind) => line(kind, entry[kind], label)));
}

function spoken({ digit, confidence }, label) {
  return `${digit}, ${percent(confidence, 1)}, ${digit === label ? "right" : "wrong"}`;
}

function line(kind, { digit, confidence }, label) {
  const right = digit === label;
  return element("span", { class: `line ${kind}${right ? " right" : ""}` },
    element("i", { class: `key ${kind}` }), element("b", { text: digit }),
    element("span", { class: "sure", text: percent(confidence, 1) }),
    element("span", { class: "mark", text: right ? "✓" : "✗" }));
}
