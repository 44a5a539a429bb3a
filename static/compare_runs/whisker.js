// An interval as a bar with the value's dot on it.

import { element } from "../dom.js";

/** The bar of `interval` on the scale [low, high], shares both; an arrow where it lies beneath the scale. */
export function whisker(weights, value, interval, [low, high]) {
  const place = (share) => Math.min(Math.max((share - low) / (high - low || 1), 0), 1);
  const frame = element("i", { class: `whisker ${weights}`, "aria-hidden": "true" });
  if (interval[1] < low) {
    frame.classList.add("beneath");
    return frame;
  }
  const [bar, dot] = [element("i", { class: "bar" }), element("i", { class: "dot" })];
  bar.style.left = `${100 * place(interval[0])}%`;
  bar.style.right = `${100 * (1 - place(interval[1]))}%`;
  dot.style.left = `${100 * place(value)}%`;
  frame.append(bar, dot);
  return frame;
}
