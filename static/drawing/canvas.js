// A sheet to draw on, with mouse, finger, pen or keys. Ink is data: strokes of points in [0, 1]², and perhaps a
// picture beneath them; every change makes a new ink, so that undoing is going back to the one before.

const PEN_WIDTH = 0.075; // of the side: about what MNIST's writers used
const KEY_STEP = 1 / 28;
const EMPTY = { strokes: [], picture: null };

const isEmpty = ({ strokes, picture }) => !strokes.length && !picture;

function paintStroke(context, points, size) {
  const [first, ...rest] = points.map(({ x, y }) => ({ x: x * size, y: y * size }));
  context.beginPath();
  if (rest.every(({ x, y }) => x === first.x && y === first.y)) {
    // A line of no length is not painted, not even its round ends.
    context.arc(first.x, first.y, context.lineWidth / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.moveTo(first.x, first.y);
  // Through the middles of the segments, each point drawing the curve towards itself: round, without corners.
  for (const [i, point] of rest.entries()) {
    const next = rest[i + 1];
    if (next) context.quadraticCurveTo(point.x, point.y, (point.x + next.x) / 2, (point.y + next.y) / 2);
    else context.lineTo(point.x, point.y);
  }
  context.stroke();
}

/** Paint ink on a square of `size` pixels at the context's origin. */
function paint(context, ink, size, colour) {
  if (ink.picture) {
    context.imageSmoothingEnabled = false;
    context.drawImage(tinted(ink.picture, colour), 0, 0, size, size);
  }
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = PEN_WIDTH * size;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of ink.strokes) paintStroke(context, stroke, size);
}

/** The picture (white on black) as ink of one colour on nothing. */
function tinted(picture, colour) {
  const sheet = new OffscreenCanvas(picture.width, picture.height);
  const context = sheet.getContext("2d");
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, sheet.width, sheet.height);
  for (let i = 0; i < pixels.data.length; i += 4) pixels.data[i + 3] = pixels.data[i];
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, sheet.width, sheet.height);
  return sheet;
}

/** What to have read: rows of pixels in [0, 1] of an untouched picture, else a PNG Blob, white on black; null if empty. */
export async function exported(ink) {
  if (isEmpty(ink)) return null;
  if (ink.picture && !ink.strokes.length) return pixelsOf(ink.picture);
  const side = 280;
  const margin = 28; // ink that touches the edge would be taken for the ground
  const sheet = new OffscreenCanvas(side + 2 * margin, side + 2 * margin);
  const context = sheet.getContext("2d");
  context.fillStyle = "black";
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.translate(margin, margin);
  paint(context, ink, side, "white");
  return sheet.convertToBlob({ type: "image/png" });
}

function pixelsOf(picture) {
  const context = new OffscreenCanvas(28, 28).getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, 28, 28);
  return Array.from({ length: 28 }, (_, y) => Array.from({ length: 28 }, (_, x) => data[4 * (28 * y + x)] / 255));
}

/** A sheet on `canvas`; `onChange(ink)` after every change. → { undo, clear, show(picture), repaint, ink } */
export function createSheet(canvas, onChange) {
  let ink = EMPTY;
  let past = [];
  let pointer = null; // the one that draws; others are ignored, as a palm should be
  let pen = { x: 0.5, y: 0.3, down: false, seen: false };
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
      if (pen.seen && document.activeElement === canvas) paintPen(context, size);
    });
  }

  function paintPen(context, size) {
    const radius = (PEN_WIDTH * size) / 2;
    context.lineWidth = Math.max(2, size / 140);
    context.strokeStyle = getComputedStyle(canvas).caretColor;
    context.setLineDash(pen.down ? [] : [radius / 3, radius / 3]);
    context.beginPath();
    context.arc(pen.x * size, pen.y * size, radius, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
  }

  function change(next) {
    ink = next;
    repaint();
    onChange(ink);
  }

  function begin(point) {
    past.push(ink);
    change({ ...ink, strokes: [...ink.strokes, [point]] });
  }

  function extend(points) {
    const strokes = ink.strokes.slice(0, -1);
    change({ ...ink, strokes: [...strokes, [...ink.strokes.at(-1), ...points]] });
  }

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
    if (event.pointerId !== pointer) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    extend((parts.length ? parts : [event]).map(place));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId === pointer) pointer = null;
    });
  }

  const within = (value) => Math.min(1, Math.max(0, value));
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  canvas.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (move) {
      pen = { ...pen, seen: true, x: within(pen.x + move[0] * KEY_STEP), y: within(pen.y + move[1] * KEY_STEP) };
      if (pen.down) extend([{ x: pen.x, y: pen.y }]);
    } else if (event.key === " ") {
      if (event.repeat) return event.preventDefault();
      pen = { ...pen, seen: true, down: !pen.down };
      if (pen.down) begin({ x: pen.x, y: pen.y });
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
      undo();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else {
      return;
    }
    event.preventDefault();
    repaint();
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) pen = { ...pen, seen: true };
    repaint();
  });
  canvas.addEventListener("blur", () => {
    pen = { ...pen, down: false };
    repaint();
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
    show: (picture) => replace({ strokes: [], picture }),
    repaint,
    ink: () => ink,
    isEmpty: () => isEmpty(ink),
    canUndo: () => past.length > 0,
  };
}
