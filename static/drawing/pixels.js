// 28 rows of 28 pixels from 0 (ground) to 1 (ink): as a picture, and as text to keep.

export const SIDE = 28;

/** Paint the pixels into the context's first 28×28, ink in `colour` on nothing. */
export function paintPixels(context, pixels, colour) {
  context.clearRect(0, 0, SIDE, SIDE);
  context.fillStyle = colour;
  for (const [y, row] of pixels.entries()) {
    for (const [x, value] of row.entries()) {
      context.globalAlpha = value;
      context.fillRect(x, y, 1, 1);
    }
  }
  context.globalAlpha = 1;
}

/** A picture of the pixels. */
export function fromPixels(pixels, colour) {
  const picture = new OffscreenCanvas(SIDE, SIDE);
  paintPixels(picture.getContext("2d"), pixels, colour);
  return picture;
}

/** The pixels as a short text, in steps of 1/255. */
export const toText = (pixels) => btoa(String.fromCharCode(...pixels.flat().map((value) => Math.round(value * 255))));

/** The pixels of a text, to four digits; null where it is not one of 28×28 pixels with ink among them. */
export function fromText(text) {
  let bytes;
  try {
    bytes = Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length !== SIDE * SIDE || !bytes.some(Boolean)) return null;
  const values = bytes.map((byte) => Math.round((byte / 255) * 1e4) / 1e4);
  return Array.from({ length: SIDE }, (_, y) => values.slice(SIDE * y, SIDE * (y + 1)));
}
