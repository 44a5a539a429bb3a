// The table of all runs. Rows are changed in place: what has the focus keeps it.

import { isWatched } from "../dashboard/files.js";
import { stateName } from "../dashboard/progress.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count, percent, points } from "../format.js";
import { fillHead, folded, newHead, runsIn, turned as turnedFold } from "./folds.js";
import { markOf } from "./marks.js";
import {
  ACCURACIES, accuracyAt, averageName, dashboardAddress, differing, filtered, GAIN, intervalScale, knobsOf, knobText, sorted,
  toRows,
} from "./rows.js";
import { MOST_TICKED, NEWEST_FIRST } from "./selection.js";
import { whisker } from "./whisker.js";

const MOST_ROWS = 200; // more would make every change slow
const LONG_KNOB = 24; // characters; longer ones are broken into lines
const GAIN_GROUP = "Gain by averaging";
const SMALLEST_FIRST = new Set(["name"]); // whereas of numbers one looks for the greatest

/** Wire the table; returns the renderer. */
export function setUpTable(state) {
  const [head, body] = [byId("runs-table").tHead, byId("runs-table").tBodies[0]];
  const known = new Map(); // rows by run, and by study
  const fit = setUpFit(byId("runs-table"));

  byId("filter").value = state.get().filter;
  byId("filter").addEventListener("input", ({ target }) => state.set({ filter: target.value }));
  for (const radio of document.querySelectorAll("input[name=knobs]")) {
    radio.checked = (radio.value === "all") === state.get().allKnobs;
    radio.addEventListener("change", () => state.set({ allKnobs: radio.value === "all" }));
  }
  byId("sort").addEventListener("change", ({ target }) => state.set({ sort: target.value }));
  head.addEventListener("click", ({ target }) => {
    const key = target.closest("button")?.dataset.key;
    if (key) state.set({ sort: nextOrder(state.get().sort, key) });
  });
  body.addEventListener("change", ({ target }) => toggle(state, target.value, target.checked));
  body.addEventListener("click", ({ target }) => {
    const study = target.closest("button.fold")?.value;
    if (study) state.set({ unfolded: turnedFold(state.get().unfolded, study) });
  });
  for (const type of ["pointerover", "focusin"]) {
    body.addEventListener(type, ({ target }) => emphasise(state, target.closest("tr")?.dataset.run));
  }
  for (const type of ["pointerleave", "focusout"]) body.addEventListener(type, () => emphasise(state, null));

  return ({ runs, scores, gains, ticked, unfolded, sort, filter, allKnobs }) => {
    if (!runs?.length) return;
    const knobs = allKnobs ? knobsOf(runs) : differing(runs);
    const columns = columnsOf(knobs);
    setHead(head, columns, sort);
    setOrders(byId("sort"), columns, sort);
    const found = sorted(filtered(toRows(runs, scores, gains), filter), sort);
    // Who looks for a run is to see it, whatever it is part of.
    const lines = (filter ? found.map((row) => ({ row })) : folded(found, unfolded)).slice(0, MOST_ROWS);
    const shown = lines.flatMap(({ row }) => row ?? []);
    const highest = Object.fromEntries(ACCURACIES.map((column) =>
      [column.key, Math.max(...found.map((row) => accuracyAt(row, column)?.share.correct ?? 0))]));
    const scale = intervalScale(shown);
    setText(byId("whisker-scale"), scale ? `one scale from ${percent(scale[0])} to ${percent(scale[1])}` : "one scale");
    const rows = lines.map(({ row, study, rows: members }) => {
      const id = study ? `study ${study.id}` : row.run.id;
      if (!known.has(id)) known.set(id, study ? newHead(study) : newRow(id));
      const line = known.get(id);
      if (study) fillHead(line, { study, rows: members }, { unfolded, ticked: ticked ?? [], columns: columns.length });
      else fill(line, row, { knobs, ticked: ticked ?? [], highest, scale });
      return line.row;
    });
    if (rows.length !== body.rows.length || rows.some((row, i) => row !== body.rows[i])) arrange(body, rows);
    fit(allKnobs);
    byId("table-rule").hidden = !runs.some(({ averages }) => averages.length > 1);
    setText(byId("table-note"), note(runsIn(lines, unfolded), found.length, runs.length));
  };
}

/**
 * Where the table is wider than its room the knobs stand beneath the runs' names. Returns what is told whether all of
 * them are asked for: those are columns however wide.
 */
function setUpFit(table) {
  const room = table.parentElement;
  let whole = false;

  function fit() {
    table.classList.remove("tight");
    table.classList.toggle("tight", !whole && room.scrollWidth > room.clientWidth);
  }

  const watcher = new ResizeObserver(() => requestAnimationFrame(fit)); // what it tells of is not to change within it
  watcher.observe(room);
  watcher.observe(table);
  return (allKnobs) => {
    if (allKnobs === whole) return;
    whole = allKnobs;
    fit();
  };
}

/** Rows into their places; those that stay are not touched, so that the focus stays. */
function arrange(body, rows) {
  const wanted = new Set(rows);
  for (const row of [...body.rows]) if (!wanted.has(row)) row.remove();
  for (const [i, row] of rows.entries()) if (body.rows[i] !== row) body.insertBefore(row, body.rows[i] ?? null);
}

/** Tick a run, or take it off. */
export function toggle(state, id, on) {
  const rest = (state.get().ticked ?? []).filter((one) => one !== id);
  if (on && rest.length >= MOST_TICKED) {
    return state.set({ ticked: [...rest], notice: `At most ${MOST_TICKED} runs at a time: take one off first.` });
  }
  return state.set({ ticked: on ? [...rest, id] : rest });
}

/** Bring a run's curves forward; null: all alike. */
export function emphasise(state, id) {
  const { ticked, emphasised } = state.get();
  const next = ticked?.includes(id) ? id : null;
  if (next !== emphasised) state.set({ emphasised: next });
}

const firstOrder = (key) => (SMALLEST_FIRST.has(key) ? key : `-${key}`);
const turned = (order) => (order.startsWith("-") ? order.slice(1) : `-${order}`);
const nextOrder = (order, key) => (order === firstOrder(key) ? turned(order) : firstOrder(key));

/** The orders to choose from: each column's own, and the one that is chosen where it goes the other way. */
function setOrders(select, columns, sort) {
  const orders = [[NEWEST_FIRST, "Newest first"], ...columns.map(({ key, title }) => [firstOrder(key), title])];
  if (!orders.some(([order]) => order === sort)) {
    const same = orders.find(([order]) => order === turned(sort));
    orders.push([sort, same ? `${same[1]}, turned round` : sort]);
  }
  setChildren(select, ...orders.map(([value, text]) => element("option", { value, text })));
  select.value = sort;
}

function note(shown, found, all) {
  if (!found) return "No run is like that.";
  if (shown < found) return `The first ${count(shown)} of ${count(found)} runs; filter to find others.`;
  return found < all ? `${count(found)} of ${count(all)} runs.` : "";
}

const spaced = (name) => name.replaceAll("_", " ");

const columnsOf = (knobs) => [
  { key: "name", label: "Run", title: "Run" },
  { key: "step", label: "Steps", title: "Steps" },
  ...knobs.filter((name) => name !== "steps")
    .map((name) => ({ key: `knob:${name}`, label: spaced(name), title: spaced(name[0].toUpperCase() + name.slice(1)) })),
  { key: GAIN, label: "mean over the run", title: GAIN_GROUP },
  ...ACCURACIES.map(({ key, group, word, weights }) => ({ key, label: word, title: `${group}, ${word}`, word: `${weights}-word` })),
];

function setHead(head, columns, sort) {
  const knobs = columns.filter(({ key }) => kindOf(key) === "knob");
  const before = element("tr", { class: "groups" },
    element("td", { colspan: 2 }), ...knobs.map(() => element("td", { class: "knob" })),
    element("th", { scope: "colgroup", text: GAIN_GROUP }),
    ...[...new Set(ACCURACIES.map(({ group }) => group))].map((text) => element("th", { colspan: 2, scope: "colgroup", text })));
  const titles = columns.map(({ key, label, word }) => {
    const order = sort === key ? "ascending" : sort === `-${key}` ? "descending" : null;
    const text = element("span", { class: word ?? null, text: label });
    return element("th", { scope: "col", "aria-sort": order, class: kindOf(key) },
      element("button", { type: "button", "data-key": key, title: "Sort by this" }, text));
  });
  const ticks = element("th", { scope: "col", class: "tick" }, element("span", { class: "sr-only", text: "Ticked" }));
  setChildren(head, before, element("tr", {}, ticks, ...titles));
}

function kindOf(key) {
  if (key === "name" || key === GAIN) return key;
  return ACCURACIES.some((one) => one.key === key) ? "accuracy" : "knob";
}

function newRow(id) {
  const box = element("input", { type: "checkbox", value: id });
  const mark = element("span", { class: "mark", "aria-hidden": "true" });
  const row = element("tr", { "data-run": id },
    element("td", { class: "tick" }, element("label", {}, box, mark)), element("th", { scope: "row", class: "name" }));
  return { row, box, mark, name: row.cells[1] };
}

function fill(line, found, { knobs, ticked, highest, scale }) {
  const { row, box, mark, name } = line;
  const { run, average } = found;
  const badge = markOf(ticked, run.id);
  box.checked = Boolean(badge);
  box.setAttribute("aria-label", `Show the curves of ${run.name}, ${run.id}`);
  setText(mark, badge ? `${badge.letter} ${badge.shape}` : "");
  row.classList.toggle("ticked-row", Boolean(badge));
  const part = run.step < run.steps ? `of ${count(run.steps)}` : "";
  const values = knobs.filter((knob) => knob !== "steps").map((knob) => [knob, knobText(knob, run.config[knob])]);
  const listed = [["steps", `${count(run.step)} ${part}`.trim()], ...values]
    .map(([knob, text]) => `${spaced(knob)}\u00a0${text}`);
  setChildren(name,
    element("a", { href: dashboardAddress(run, average), text: run.name }),
    element("small", { text: `${stateName(run).toLowerCase()} · ${run.id}` }),
    element("small", { class: "knobs", text: listed.join(" · ") }));
  const cells = [
    element("td", { class: "knob", "data-label": "steps" }, count(run.step), element("small", { text: part })),
    ...values.map(([knob, text]) => knobCell(knob, text)),
    gainCell(found),
    ...ACCURACIES.map((column) => accuracyCell(found, column, highest[column.key], scale)),
  ];
  const rest = element("tr", {}, ...cells);
  if (line.rest === rest.innerHTML) return;
  line.rest = rest.innerHTML;
  for (const cell of [...row.cells].slice(2)) cell.remove();
  row.append(...rest.childNodes);
}

const knobCell = (knob, text) =>
  element("td", { class: text.length > LONG_KNOB ? "knob long" : "knob", "data-label": spaced(knob), text });

const decay = (row) => {
  const name = averageName(row.run, row.average);
  return name ? [element("small", { text: isWatched(row.run) ? name : `decay ${name}` })] : [];
};

/** Averaged minus raw in percentage points: its mean over the run, the interval, and what to make of it. */
function gainCell(row) {
  const label = { "data-label": GAIN_GROUP };
  const none = (text) => element("td", { class: "gain none", ...label, text });
  if (!row.ema) return none("–");
  if (!row.gain) return none("…");
  if (!row.gain.overall) return none("too few checkpoints");
  const { accuracy, interval: [low, high], better } = row.gain.overall;
  const outcome = { ema: "helps", raw: "hurts" }[better] ?? "could be chance";
  return element("td", { class: `gain${better ? " sure" : ""}`, ...label },
    element("span", { text: `${points(accuracy)}\u00a0pp` }),
    element("small", { text: `${points(low)} to ${points(high)}` }),
    element("small", { class: "outcome", text: outcome }), ...decay(row));
}

function accuracyCell(row, column, highest, scale) {
  const label = { "data-label": `${column.group}, ${column.word}` };
  const found = accuracyAt(row, column);
  if (!found) return element("td", { class: "accuracy none", ...label, text: "–" });
  const { step, share: { accuracy, accuracy_interval: [low, high], correct } } = found;
  const best = correct === highest;
  const at = column.key.startsWith("best") ? [`at ${count(step)}`] : [];
  const below = [`${percent(low).slice(0, -2)}–${percent(high).slice(0, -2)}`, ...at];
  return element("td", { class: `accuracy${best ? " highest" : ""}`, ...label },
    element("span", { class: "figure" }, ...(best ? [element("em", { text: "best" }), " "] : []),
      element("span", { class: `${column.weights}-number`, text: percent(accuracy) })),
    whisker(column.weights, accuracy, [low, high], scale),
    ...below.map((text) => element("small", { text })), ...(column.weights === "ema" ? decay(row) : []));
}
