// What of the chart is pointed at, by the pointer or the arrow keys.

import { nearest } from "../curves/series.js";
import { byId } from "../dom.js";
import { pointedAt } from "./place.js";

/** The pointer brings the nearest run forward and has the list tell of its step; so do the arrow keys, for the step. */
export function setUpPointing(state, frame, drawn) {
  const leave = () => state.get().pointed !== null && state.set({ pointed: null, emphasised: null });

  /** The run before or after the one that is in front; beyond the first and the last, all alike. */
  function bringForward(by) {
    const { ticked, emphasised, pointed } = state.get();
    const drawnRuns = ticked.filter((id) => drawn().curves.some(({ run }) => run.id === id));
    const places = [null, ...drawnRuns];
    const to = (places.indexOf(emphasised) + by + places.length) % places.length;
    state.set({ emphasised: places[to], pointed: pointed ?? drawn().frame.last });
  }

  function point({ clientX, clientY }) {
    const box = byId("overlay").getBoundingClientRect();
    const at = drawn() && pointedAt(drawn().curves, drawn().frame, { x: clientX - box.left, y: clientY - box.top });
    if (!at) return leave();
    const { pointed, emphasised } = state.get();
    if (at.step !== pointed || at.run !== emphasised) state.set({ pointed: at.step, emphasised: at.run });
  }

  for (const type of ["pointermove", "pointerdown"]) frame.addEventListener(type, point);
  for (const type of ["pointerleave", "blur"]) frame.addEventListener(type, leave);
  frame.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !drawn()?.curves.length) return;
    const all = new Set(drawn().curves.flatMap(({ points }) => points.map(({ step }) => step)));
    const steps = [...all].sort((a, b) => a - b);
    const across = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const at = nearest(steps, state.get().pointed ?? Infinity);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps.length - 1 }[event.key];
    if (event.key === "Escape") leave();
    else if (across) bringForward(across);
    else if (to === undefined) return;
    else if (steps[to] !== undefined) state.set({ pointed: steps[to] });
    event.preventDefault();
  });
}

/** The line at the step that is pointed at. */
export function renderPointed(step, frame) {
  const line = byId("overlay-step");
  line.hidden = step === null || !frame;
  if (!line.hidden) line.style.left = `${frame.left + (step / frame.last) * frame.width}px`;
}
