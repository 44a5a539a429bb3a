// Histograms laid over one another: raw thin and dashed, the shown average solid and bold, others faint.

import { count, significant } from "../format.js";

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 440;
const HEIGHT = 190;
const FOOT = 24; // for the ticks
const TOP = 8;

function svg(name, attributes) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Round numbers, at most `most` of them, from `low` to `high`. */
export function ticks(low, high, most = 7) {
  const span = high - low;
  const rough = 10 ** Math.floor(Math.log10(span / most));
  const apart = [1, 2, 5, 10, 20].map((k) => k * rough).find((step) => span / step <= most);
  const first = Math.ceil(low / apart - 1e-9);
  const last = Math.floor(high / apart + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * apart).toPrecision(12)));
}

/** The outline of bars of these heights (0 to 1), as an SVG path over `width` × `height`. */
export function outline(heights, width, height) {
  const x = (i) => ((i * width) / heights.length).toFixed(2);
  const y = (value) => (height * (1 - value)).toFixed(2);
  const bars = heights.map((value, i) => `V${y(value)}H${x(i + 1)}`);
  return `M0 ${y(0)}${bars.join("")}V${y(0)}`;
}

/** Counts as shares of the highest, linear or logarithmic. */
export function heights(counts, top, scale) {
  if (!top) return counts.map(() => 0);
  return counts.map((n) => (scale === "log" ? Math.log1p(n) / Math.log1p(top) : n / top));
}

/** Draw `lines`, [{ counts, className }] with the last in front, over `edges` into `figure`. */
export function drawHistogram(figure, { edges, lines, scale, label }) {
  const [low, high] = [edges[0], edges.at(-1)];
  const top = Math.max(...lines.flatMap(({ counts }) => counts));
  const field = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  const ground = HEIGHT - FOOT;
  const place = (value) => (WIDTH * (value - low)) / (high - low);
  for (const tick of ticks(low, high)) {
    const x = place(tick);
    field.append(svg("line", { class: tick === 0 ? "zero" : "tick", x1: x, x2: x, y1: TOP, y2: ground + 4 }));
    const anchor = x < 20 ? "start" : x > WIDTH - 20 ? "end" : "middle";
    const text = svg("text", { x, y: HEIGHT - 5, "text-anchor": anchor });
    text.textContent = significant(tick, 3).replace("-", "−");
    field.append(text);
  }
  field.append(svg("line", { class: "ground", x1: 0, x2: WIDTH, y1: ground, y2: ground }));
  for (const { counts, className } of lines) {
    const path = outline(heights(counts, top, scale), WIDTH, ground - TOP);
    field.append(svg("path", { class: className, d: path, transform: `translate(0 ${TOP})` }));
  }
  const band = svg("rect", { class: "band", y: TOP, height: ground - TOP, width: WIDTH / (edges.length - 1), x: -99 });
  field.append(band);
  figure.replaceChildren(field);
  return {
    /** The bin below a pointer's event, marked; null: none. */
    binAt(event) {
      const { left, width } = field.getBoundingClientRect();
      const bin = Math.floor(((event.clientX - left) / width) * (edges.length - 1));
      const inside = bin >= 0 && bin < edges.length - 1;
      band.setAttribute("x", inside ? (bin * WIDTH) / (edges.length - 1) : -99);
      return inside ? bin : null;
    },
    leave: () => band.setAttribute("x", -99),
  };
}

/** What is in a bin, in words: [[name, how many]…]. */
export const binText = (edges, bin, named) =>
  `${significant(edges[bin])} to ${significant(edges[bin + 1])}: `.replaceAll("-", "−") +
  named.map(([name, counts]) => `${name} ${count(counts[bin])}`).join(", ");
