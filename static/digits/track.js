// The chart "through training": the probability of one digit by step, raw and averaged, and a mark to take along.

import { toPlace, toStep } from "../curves/axis.js";
import { nearest } from "../curves/series.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count, percent } from "../format.js";
import { linePath } from "../readings/line.js";

const KEYS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5, Home: -Infinity, End: Infinity,
};

/** Wire the chart; `onStep(step)` follows a click, a drag or a key. Returns `show(track, average, digit, readings)`. */
export function setUpTrack(onStep) {
  const frame = byId("image-track");
  let steps = [];
  let place = -1;

  const goTo = (index) => {
    const next = Math.max(0, Math.min(steps.length - 1, index));
    if (next !== place && steps.length) onStep(steps[next]);
  };
  const follow = ({ clientX }) => {
    const { left, width } = frame.getBoundingClientRect();
    goTo(nearest(steps, toStep(axisOf(steps), (clientX - left) / width)));
  };
  frame.addEventListener("pointerdown", (event) => {
    frame.setPointerCapture(event.pointerId);
    follow(event);
  });
  frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && follow(event));
  frame.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    event.stopPropagation(); // the dialog's arrow keys go to other images
    goTo(place + KEYS[event.key]);
  });

  return function show(track, average, digit, readings) {
    steps = track.step;
    place = readings.place;
    const axis = axisOf(steps);
    byId("image-track-raw").setAttribute("d", linePath(axis, steps, track.raw, digit));
    const averaged = track.averages[average];
    byId("image-track-ema").setAttribute("d", averaged ? linePath(axis, steps, averaged, digit) : "");
    byId("image-track-mark").style.left = `${100 * toPlace(axis, readings.step)}%`;
    setText(byId("image-track-first"), count(steps[0]));
    setText(byId("image-track-last"), count(steps.at(-1)));
    frame.setAttribute("aria-valuemin", steps[0]);
    frame.setAttribute("aria-valuemax", steps.at(-1));
    frame.setAttribute("aria-valuenow", readings.step);
    frame.setAttribute("aria-valuetext", spoken(readings, digit));
    setChildren(byId("image-track-text"), ...told(readings, digit));
  };
}

/** The whole of the run; a single step is in the middle. */
function axisOf(steps) {
  const [first, last] = [steps[0], steps.at(-1)];
  return first === last ? { low: first - 1, high: last + 1, log: false } : { low: first, high: last, log: false };
}

/** The same with the words in their colours: the key to the lines. */
function told(readings, digit) {
  return spoken(readings, digit).split(/(raw|averaged)/).map((part, i) =>
    (i % 2 ? element("span", { class: part === "raw" ? "raw-word" : "ema-word", text: part }) : part));
}

function spoken({ step, raw, ema }, digit) {
  const averaged = ema ? `, averaged ${percent(ema.probabilities[digit], 1)}` : "";
  return `Step ${count(step)}: raw ${percent(raw.probabilities[digit], 1)}${averaged}.`;
}
