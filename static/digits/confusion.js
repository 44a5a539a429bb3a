// The panel "What is taken for what": three matrices, and the images behind each cell.

import { listEvaluated } from "../api.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count } from "../format.js";
import { byConfidence } from "./disagreement.js";
import { makeGrid } from "./grid.js";
import { setUpImages } from "./images.js";
import { matrices, mostFrequent } from "./matrices.js";
import { shownComparison } from "./panel.js";

const KINDS = ["raw", "ema", "difference"];
const BY = { raw: "raw", ema: "averaged" };
const MOST_IMAGES = 200;
const MOST_FREQUENT = 6;
const HINT = [
  ["fine-pointer", "Point at a cell to compare it in all; click to see its images."],
  ["touch-only", "Tap a cell to see its images."],
];

/** Wire the panel; returns the renderer. */
export function setUpConfusion(state) {
  const openImages = setUpImages(state);
  const grids = Object.fromEntries(KINDS.map((kind) => [kind, makeGrid(
    byId(`confusion-${kind}`), (label, digit) => open(kind, label, digit), look)]));
  let shown = null;
  let made = null;
  let looked = null;

  function open(kind, label, digit) {
    if (!made[kind][label][digit].some) return;
    openImages(kind === "difference" ? moved(label, digit) : counted(kind, label, digit));
  }

  function counted(kind, label, digit) {
    const { run, step, split, average } = shown;
    const question = { run, step, split, ema: kind === "ema", average: kind === "ema" ? average : null, label, digit };
    return {
      title: label === digit ? `${label} read right` : `${label} read as ${digit}`,
      by: BY[kind], step, split,
      find: async () => {
        const { total, images } = await listEvaluated({ ...question, limit: MOST_IMAGES });
        return { total, entries: images.map((image) => entry(image, kind)) };
      },
    };
  }

  const entry = ({ index, label, digit, confidence }, kind) => ({ index, label, [kind]: { digit, confidence } });

  /** The images that averaging brings into a cell or takes out of it: the comparison has them. */
  function moved(label, digit) {
    const { step, split, disagreements } = shown;
    const entries = disagreements.filter((d) => d.label === label && (d.raw.digit === digit || d.ema.digit === digit));
    const title = label === digit ? `${label} read right` : `${label} read as ${digit}`;
    const find = async () => ({ total: entries.length, entries: byConfidence(entries) });
    return { title: `${title} by only one of the two`, by: null, step, split, find };
  }

  /** Point out one cell in all three matrices, and say what is in it. */
  function look(label, digit) {
    for (const kind of KINDS) {
      if (looked) grids[kind][looked[0]][looked[1]].classList.remove("looked");
      if (label !== null) grids[kind][label][digit].classList.add("looked");
    }
    looked = label === null ? null : [label, digit];
    renderLine();
  }

  function renderLine() {
    const line = byId("confusion-line");
    if (!looked || !made) return setChildren(line, ...HINT.map(([device, text]) => element("span", { class: device, text })));
    const [label, digit] = looked;
    const pair = label === digit ? `${label} read right` : `${label} read as ${digit}`;
    const raw = made.raw[label][digit].value;
    setChildren(line, element("b", { text: pair }), `: raw ${count(raw)}`,
      ...(made.ema ? [`, averaged ${count(made.ema[label][digit].value)}`] : []));
  }

  byId("confusion-frequent").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) openImages(counted(button.dataset.kind, Number(button.dataset.label), Number(button.dataset.digit)));
  });

  return (now) => {
    if (!now.run) return;
    const panel = byId("confusion-panel");
    const comparison = shownComparison(panel, now);
    if (!comparison || comparison === shown) return;
    shown = comparison;
    made = matrices(comparison);
    panel.classList.toggle("raw-only", !comparison.ema);
    for (const kind of KINDS) renderCells(grids[kind], made[kind]);
    renderFrequent(comparison);
    renderLine();
  };
}

function renderCells(grid, made) {
  for (const cell of made?.flat() ?? []) {
    const shown = grid[cell.label][cell.digit];
    setText(shown, cell.text);
    shown.setAttribute("aria-label", cell.name);
    shown.classList.toggle("some", cell.some);
    if (cell.better !== undefined) shown.dataset.better = cell.better ?? "neither";
    shown.style.setProperty("--tint", `${cell.tint ? 8 + 37 * cell.tint : 0}%`);
  }
}

/** The confusions with most images as a list: what to look at first, and large enough for a finger. */
function renderFrequent(comparison) {
  const button = ({ label, digit }, kind, value) => element("button", {
    type: "button", class: `small ${kind}`, "data-kind": kind, "data-label": label, "data-digit": digit,
    disabled: value === 0, "aria-label": `${label} read as ${digit} by the ${BY[kind]} weights: ${value}`,
  }, element("span", { class: `${kind}-word`, text: BY[kind] }), ` ${count(value)}`);
  const digit = (text) => element("b", { text });
  const items = mostFrequent(comparison, MOST_FREQUENT).map((cell) => element("li", {},
    element("span", { class: "pair" }, digit(cell.label), " read as ", digit(cell.digit)),
    button(cell, "raw", cell.raw), ...(cell.ema === null ? [] : [button(cell, "ema", cell.ema)])));
  setChildren(byId("confusion-frequent"), ...items);
}
