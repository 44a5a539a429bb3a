// This drawing through training: the probability of one digit by step, raw and averaged.

import { evenTicks, logTicks, stepAxis, toPlace, toStep } from "../curves/axis.js";
import { setUpKeys, setUpPointer } from "../curves/pointer.js";
import { nearest } from "../curves/series.js";
import { shownStep } from "../dashboard/selection.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { article, averageLabel, count, percent } from "../format.js";
import { remembered } from "../memo.js";
import { createFetching } from "./through_fetch.js";
import { linePath } from "../readings/line.js";
import { skippedText, topDigit } from "./through_words.js";

const KINDS = ["raw", "ema"];

const ticksOf = ({ low, high, log }) => (log ? logTicks(10 ** low, 10 ** high) : evenTicks(Math.max(low, 0), high));

/** Wire the section; `isDrawing()`: whether the pen is down. → { follow, hold, choose, chosen, render } */
export function setUpThrough(state, isDrawing) {
  const section = byId("through");
  const plot = byId("through-plot");
  const fetching = createFetching(isDrawing, () => render(state.get()));
  const marks = ["shown", "hovered"].map((name) => element("i", { class: `through-step ${name}` }));
  const dots = KINDS.map((kind) => element("i", { class: `through-dot ${kind}` }));
  let image = null; // 28 rows of 28
  let held = false; // the sheet has changed, and what the networks see of it is not known yet
  let chosen = null; // a digit, or null for the one read on top

  plot.append(...marks, dots[1], dots[0]); // raw's open dot is seen on the solid one
  byId("through-digit").append(element("option", { value: "", text: "the digit on top" }),
    ...Array.from({ length: 10 }, (_, digit) =>
      element("option", { value: digit, text: `${article(digit)} ${digit}` })));
  byId("through-digit").addEventListener("change", ({ target: { value } }) =>
    choose(value === "" ? null : Number(value)));
  section.addEventListener("toggle", () => render(state.get()));
  setUpPointer(state, plot, stepAt, () => {});
  setUpKeys(state, byId("through-frame"));

  function choose(digit) {
    chosen = digit;
    byId("through-digit").value = digit ?? "";
    state.set({}); // the rows mark it, too
  }

  const axisOf = remembered((scale, zoomed, run, history, first) => stepAxis({ scale, zoomed, run, history }, first));
  const linesOf = remembered((track, average, digit, axis) =>
    [track.raw, track.averages[average]].map((weights) => (weights ? linePath(axis, track.step, weights, digit) : "")));

  /** What there is to draw, or null. */
  function drawn(now) {
    const track = fetching.track();
    if (!image || track?.run !== now.runId || !track.step.length) return null;
    const average = track.averages[now.average] ? now.average : null;
    const at = nearest(track.step, shownStep(now) ?? Infinity);
    const pointed = now.hovered === null ? -1 : nearest(track.step, now.hovered);
    const axis = axisOf(now.scale, now.zoomed, now.run, now.history, track.step.find((step) => step > 0));
    return { track, average, digit: chosen ?? topDigit(track, average, at), at, pointed, axis };
  }

  function stepAt({ clientX }) {
    const made = drawn(state.get());
    const box = plot.getBoundingClientRect();
    return made && made.track.step[nearest(made.track.step, toStep(made.axis, (clientX - box.left) / box.width))];
  }

  function why({ run }) {
    if (run.latest_checkpoint === null) return "There is no checkpoint yet.";
    if (!image) return "Draw a digit to see how its reading came about.";
    if (fetching.isCurrent()) return "No checkpoint could be read.";
    return fetching.problem() || "Reading it with every checkpoint…";
  }

  function render(now) {
    if (!now.run) return;
    const looked = image && section.open && now.run.latest_checkpoint !== null;
    if (held) fetching.hold();
    else fetching.want(looked ? [now.runId, now.run.latest_checkpoint, image] : null);
    const made = drawn(now);
    setText(byId("through-note"), made ? "" : why(now));
    section.classList.toggle("vacant", !looked && !held);
    byId("through-frame").tabIndex = looked || held ? 0 : -1;
    byId("through-frame").classList.toggle("stale", Boolean(made) && !fetching.isCurrent());
    setText(byId("through-skipped"), made ? skippedText(made.track.skipped) : "");
    renderLines(made);
    renderTicks(made?.axis);
    renderMarks(made);
    renderReadout(now, made);
  }

  function renderLines(made) {
    const lines = made ? linesOf(made.track, made.average, made.digit, made.axis) : ["", ""];
    for (const [i, kind] of KINDS.entries()) {
      const path = byId(`through-${kind}`);
      if (path.getAttribute("d") !== lines[i]) path.setAttribute("d", lines[i]);
    }
  }

  const renderTicks = remembered((axis) => {
    const ticks = axis ? ticksOf(axis) : [];
    byId("through-ticks").replaceChildren(...ticks.map((step) => {
      const tick = element("span", { text: count(step) });
      tick.style.left = `${100 * toPlace(axis, step)}%`;
      return tick;
    }));
  });

  function renderMarks(made) {
    const put = (mark, i, top = 0) => {
      const x = made && i >= 0 ? toPlace(made.axis, made.track.step[i]) : NaN;
      mark.hidden = !(x >= 0 && x <= 1);
      if (mark.hidden) return;
      mark.style.left = `${100 * x}%`;
      mark.style.top = `${100 * top}%`;
    };
    put(marks[0], made?.at);
    put(marks[1], made?.pointed);
    const sides = made ? [made.track.raw, made.track.averages[made.average]] : [];
    for (const [i, dot] of dots.entries()) {
      put(dot, sides[i] ? made.at : -1, 1 - sides[i]?.probabilities[made.at][made.digit]);
    }
  }

  function renderReadout({ run }, made) {
    if (!made) return setChildren(byId("through-readout"));
    const { track, average, digit } = made;
    const i = made.pointed < 0 ? made.at : made.pointed;
    const side = (kind, name, weights) =>
      [", ", element("span", { class: `${kind}-word`, text: name }), ` ${percent(weights.probabilities[i][digit], 1)}`];
    setChildren(byId("through-readout"), `${digit === 8 ? "An" : "A"} ${digit} at step ${count(track.step[i])}: `,
      ...side("raw", "raw", track.raw).slice(1),
      ...(average ? side("ema", averageLabel(run, average), track.averages[average]) : []));
    byId("through-chart").setAttribute("aria-label", byId("through-readout").textContent);
  }

  return {
    /** The image to follow from now on, 28 rows of 28, or null for none. */
    follow(next) {
      image = next;
      held = false;
      render(state.get());
    },
    /** The sheet has changed: what is shown is outdated, until there is another image to follow. */
    hold() {
      if (held) return;
      held = true;
      render(state.get());
    },
    /** Follow a digit, or with the one that is followed already the digit on top again. */
    choose: (digit) => choose(digit === chosen ? null : digit),
    chosen: () => chosen,
    render,
  };
}
