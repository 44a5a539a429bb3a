// A sheet to draw on, with mouse, finger, pen or keys.

import { begun, EMPTY, extended, isEmpty, paint } from "./ink.js";

const KEY_STEP = 1 / 28;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * A sheet on `canvas`, with `tip` laid over it to show the pen. `penWidth()` is the pen's width as a share of the side;
 * `onChange(ink)` follows every change, `onKey(key)` keys that it has no use for itself, and says whether it has one.
 */
export function createSheet(canvas, tip, penWidth, onChange, onKey) {
  let ink = EMPTY;
  let past = [];
  let pointer = null; // the one that draws; others are ignored, as a palm should be
  let over = null; // where a mouse or pen is that does not draw
  let pen = { x: 0.5, y: 0.3, down: false, seen: false, moved: false }; // the one of the keys
  let scheduled = false;

  function repaint() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      const size = Math.round(canvas.clientWidth * devicePixelRatio);
      if (canvas.width !== size) canvas.width = canvas.height = size;
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, size, size);
      paint(context, ink, size, getComputedStyle(canvas).color);
      placeTip();
    });
  }

  /** The pen's tip: where the keys have it, or a mouse that does not draw. */
  function placeTip() {
    const byKeys = pen.seen && document.activeElement === canvas;
    const at = byKeys ? pen : pointer === null ? over : null;
    tip.hidden = !at;
    tip.classList.toggle("lifted", byKeys && !pen.down);
    canvas.classList.toggle("pen-down", pen.down);
    if (!at) return;
    Object.assign(tip.style, { left: `${100 * at.x}%`, top: `${100 * at.y}%`, width: `${100 * penWidth()}%` });
  }

  function change(next) {
    ink = next;
    repaint();
    onChange(ink);
  }

  function begin(point) {
    past.push(ink);
    change(begun(ink, penWidth(), point));
  }

  const extend = (points) => change(extended(ink, points));

  function replace(next) {
    past.push(ink);
    pen = { ...pen, down: false };
    change(next);
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    pen = { ...pen, down: false, seen: false };
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    over = event.pointerType === "touch" ? null : place(event);
    if (event.pointerId !== pointer) return placeTip();
    const parts = event.getCoalescedEvents?.() ?? [];
    extend((parts.length ? parts : [event]).map(place));
  });
  canvas.addEventListener("pointerleave", () => {
    over = null;
    placeTip();
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      placeTip();
    });
  }

  const within = (value) => Math.min(1, Math.max(0, value));

  function move([right, down]) {
    pen = {
      ...pen, seen: true, moved: true, x: within(pen.x + right * KEY_STEP), y: within(pen.y + down * KEY_STEP),
    };
    if (pen.down) extend([{ x: pen.x, y: pen.y }]);
  }

  /** Space: a tap lowers the pen or lifts it; held while the arrows move, it paints until it is let go. */
  function lower() {
    pen = { ...pen, seen: true, down: !pen.down, moved: false };
    if (pen.down) begin({ x: pen.x, y: pen.y });
  }

  canvas.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    if (event.key in MOVES && !command) move(MOVES[event.key]);
    else if (event.key === " ") event.repeat || lower();
    else if (event.key === "z" && command) undo();
    else if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (command || !onKey(event.key)) return;
    event.preventDefault();
    repaint();
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key !== " " || !pen.down || !pen.moved) return;
    pen = { ...pen, down: false };
    placeTip();
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) pen = { ...pen, seen: true };
    placeTip();
  });
  canvas.addEventListener("blur", () => {
    pen = { ...pen, down: false };
    placeTip();
  });
  new ResizeObserver(repaint).observe(canvas);

  function undo() {
    if (!past.length) return;
    pen = { ...pen, down: false };
    change(past.pop());
  }

  function clear() {
    if (!isEmpty(ink)) replace(EMPTY);
  }

  return {
    undo,
    clear,
    repaint,
    /** Put another ink in the place of what is there, which undoing brings back. */
    show: replace,
    /** Say more about the ink that is there. */
    mark(about) {
      ink = { ...ink, ...about };
    },
    ink: () => ink,
    isEmpty: () => isEmpty(ink),
    canUndo: () => past.length > 0,
    isDrawing: () => pointer !== null,
  };
}
