// Ink is data: strokes of points in [0, 1]², and perhaps a picture beneath them. No ink is ever changed; every
// change makes a new one, so that undoing is going back to the one before.

import { fromPixels } from "./pixels.js";

/**
 * `strokes`: { width, points } each, the width a share of the side. `picture`: a canvas or bitmap beneath them, or
 * null; `photo`: whether it is to be shown and read as it came, and not as light ink on black. `pixels`: 28 rows of
 * 28 in [0, 1] where these are what is to be read, else null. `told`: what it is, in words; `label`: the digit that it
 * is, where that is known, else null. `kept`: its id in the list of kept drawings, or null.
 */
export const EMPTY = { strokes: [], picture: null, photo: false, pixels: null, told: "", label: null, kept: null };

export const isEmpty = ({ strokes, picture }) => !strokes.length && !picture;

/** With one stroke more. On a photo it begins a new sheet: ink on top of it would not be told from it. */
export function begun(ink, width, point) {
  const { strokes, picture } = ink.photo ? EMPTY : ink;
  return { ...EMPTY, picture, strokes: [...strokes, { width, points: [point] }] };
}

/** With its last stroke drawn on through `points`. */
export function extended(ink, points) {
  const last = ink.strokes.at(-1);
  return { ...ink, strokes: [...ink.strokes.slice(0, -1), { ...last, points: [...last.points, ...points] }] };
}

/** A digit of the data set or of the kept ones: 28 rows of 28, read as they are. */
export const digitInk = (pixels, label, told, strokes = []) =>
  ({ ...EMPTY, pixels, label, told, strokes, picture: strokes.length ? null : fromPixels(pixels, "white") });

export const photoInk = (picture, told) => ({ ...EMPTY, picture, told, photo: true });

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
export function paint(context, ink, size, colour) {
  if (ink.photo) paintWhole(context, ink.picture, size);
  else if (ink.picture) {
    context.imageSmoothingEnabled = false;
    context.drawImage(tinted(ink.picture, colour), 0, 0, size, size);
  }
  context.strokeStyle = context.fillStyle = colour;
  context.lineCap = context.lineJoin = "round";
  for (const { width, points } of ink.strokes) {
    context.lineWidth = width * size;
    paintStroke(context, points, size);
  }
}

function paintWhole(context, picture, size) {
  const scale = size / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.imageSmoothingEnabled = true;
  context.drawImage(picture, (size - width) / 2, (size - height) / 2, width, height);
}

/** The picture's ink (as opaque as it is) in one colour. */
function tinted(picture, colour) {
  const sheet = new OffscreenCanvas(picture.width, picture.height);
  const context = sheet.getContext("2d");
  context.drawImage(picture, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, sheet.width, sheet.height);
  return sheet;
}

/** What to have read: 28 rows of 28 where the ink is made of them, else a PNG Blob. */
export async function exported(ink) {
  if (ink.pixels) return ink.pixels;
  if (ink.photo) {
    const sheet = new OffscreenCanvas(ink.picture.width, ink.picture.height);
    sheet.getContext("2d").drawImage(ink.picture, 0, 0);
    return sheet.convertToBlob({ type: "image/png" });
  }
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
