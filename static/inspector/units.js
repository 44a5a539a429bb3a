// The units of the first layer as images: raw, averaged, and the difference, on colours that mean sign and size.

import { readUnits } from "../api.js";
import { byId, setText } from "../dom.js";
import { count, significant } from "../format.js";
import { colour } from "../theme.js";
import { chosenAverage } from "./family.js";

const AT_ONCE = 24;
const GAP = 1; // pixel between two images

/** Wire the panel; returns the renderer. */
export function setUpUnits(state) {
  let asked = null;
  let drawn = null;
  const canvases = { raw: byId("units-raw"), ema: byId("units-ema"), difference: byId("units-difference") };
  for (const radio of document.querySelectorAll("input[name=order]")) {
    radio.addEventListener("change", () => state.set({ order: radio.value, unit: 0 }));
  }
  const turn = (pages) => () => {
    const { unit, units } = state.get();
    if (units) state.set({ unit: Math.max(0, Math.min(unit + pages * AT_ONCE, units.total - 1)) });
  };
  byId("units-back").addEventListener("click", turn(-1));
  byId("units-on").addEventListener("click", turn(1));
  for (const canvas of Object.values(canvases)) {
    canvas.addEventListener("pointermove", (event) => look(event, canvas, state.get()));
    canvas.addEventListener("pointerleave", () => setText(byId("units-readout"), ""));
  }

  async function read({ place, variables, unit, order }, average) {
    const key = JSON.stringify([unit, order, average]);
    if (asked?.variables === variables && asked.key === key) return;
    const question = { variables, key }; // each look at a checkpoint has its own list of variables
    asked = question;
    const isOld = () => question !== asked || state.get().variables !== variables;
    try {
      const units = await readUnits(place.run, place.step, { first: unit, count: AT_ONCE, order, average });
      if (!isOld()) state.set({ units, unitsProblem: null });
    } catch (problem) {
      if (!isOld()) state.set({ units: null, unitsProblem: problem.message });
    }
  }

  return (now) => {
    const { place, units, unit, order, themed, unitsProblem } = now;
    byId("units-panel").hidden = !place?.first_layer;
    if (!place?.first_layer) return;
    read(now, chosenAverage(now));
    for (const radio of document.querySelectorAll("input[name=order]")) radio.checked = radio.value === order;
    byId("units-problem").hidden = !unitsProblem;
    setText(byId("units-problem"), unitsProblem ?? "");
    const next = [units, themed];
    if (!units) byId("units-back").disabled = byId("units-on").disabled = true;
    if (!units || next.every((value, i) => value === drawn?.[i])) return;
    drawn = next;
    const { averaged } = units;
    const colours = ["negative", "middle", "positive"].map((name) => parts(colour(name)));
    const images = { raw: units.raw, ema: averaged, difference: averaged && difference(units.raw, averaged) };
    for (const [kind, canvas] of Object.entries(canvases)) {
      canvas.closest("figure").hidden = !images[kind];
      if (!images[kind]) continue;
      const limit = kind === "difference" ? units.change_limit : units.limit;
      paint(canvas, images[kind], units.side, limit, colours);
    }
    const last = Math.min(unit + units.units.length, units.total);
    setText(byId("units-place"), `${count(unit + 1)}–${count(last)} of ${count(units.total)} units`);
    byId("units-back").disabled = unit === 0;
    byId("units-on").disabled = last >= units.total;
    byId("units-order").hidden = !averaged;
    setText(byId("units-title"), `First layer: ${units.name}`);
    for (const [id, limit] of [["raw", units.limit], ["ema", units.limit], ["difference", units.change_limit]]) {
      setText(byId(`units-${id}-scale`), `±${significant(limit, 2)}`);
    }
  };
}

/** How many images stand beside one another. */
const columnsOf = (images) => Math.min(images.length, 6);

const difference = (raw, averaged) =>
  raw.map((image, i) => image.map((value, k) => (value === null || averaged[i][k] === null ? null : averaged[i][k] - value)));

const parts = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);

/** The colour of a value on the scale of ± `limit`: [red, green, blue]. */
export function shade(value, limit, [negative, middle, positive]) {
  if (value === null || !limit) return middle;
  const share = Math.max(-1, Math.min(1, value / limit));
  const end = share < 0 ? negative : positive;
  return middle.map((from, i) => Math.round(from + (end[i] - from) * Math.abs(share)));
}

/** One image a unit, six beside one another, a canvas pixel each weight. */
function paint(canvas, images, side, limit, colours) {
  const columns = columnsOf(images);
  const rows = Math.ceil(images.length / columns);
  canvas.width = columns * (side + GAP) - GAP;
  canvas.height = rows * (side + GAP) - GAP;
  const pen = canvas.getContext("2d");
  for (const [i, image] of images.entries()) {
    const pixels = pen.createImageData(side, side);
    for (const [k, value] of image.entries()) pixels.data.set([...shade(value, limit, colours), 255], 4 * k);
    pen.putImageData(pixels, (i % columns) * (side + GAP), Math.floor(i / columns) * (side + GAP));
  }
}

/** Which unit is below the pointer, and how far averaging has moved it. */
function look(event, canvas, { units }) {
  if (!units) return;
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const columns = columnsOf(units.raw);
  const rows = Math.ceil(units.raw.length / columns);
  const column = Math.floor(((event.clientX - left) / width) * columns);
  const i = Math.floor(((event.clientY - top) / height) * rows) * columns + column;
  if (column < 0 || column >= columns || !units.raw[i]) return;
  const averaged = units.averaged?.[i];
  const length = (values) => Math.hypot(...values.map((v) => v ?? 0));
  const moved = averaged && length(difference([units.raw[i]], [averaged])[0]) / length(units.raw[i]);
  const text = moved === undefined || !Number.isFinite(moved) ? "" : `, averaged ${(100 * moved).toFixed(1)}\u00a0% away from raw`;
  setText(byId("units-readout"), `Unit ${count(units.units[i])}${text}`);
}
