// What all figures have in common: colours, axes, captions inside, the settings of Plotly.

import { colour } from "../theme.js";

export const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  doubleClick: false,
  showTips: false,
};
// The axes of all figures begin and end alike, so that a step has one place on the page.
const LEFT = 60;
const LEFT_NARROW = 54;
const RIGHT = 14;
const NARROW = 520;

/** The page's colours and type as they are now. */
export function style() {
  const named = ["raw", "ema", "ink", "muted", "line", "surface"].map((name) => [name, colour(name)]);
  return { ...Object.fromEntries(named), faint: colour("ema-faint"), font: getComputedStyle(document.body).fontFamily };
}

/** A colour of `style` with less weight. */
export const faded = (value, opacity) => value.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`);

export const isNarrow = (width) => width < NARROW;

/** Where the step axis lies in a figure of this width: its left end and its length, in pixels. */
export function stepAxisPlace(width) {
  const left = isNarrow(width) ? LEFT_NARROW : LEFT;
  return { left, length: width - left - RIGHT };
}

/** The look of an axis. */
export const axisStyle = (colours) => ({
  gridcolor: colours.line,
  linecolor: colours.line,
  zeroline: false,
  tickfont: { color: colours.muted, size: 12 },
  ticklabelstandoff: 4,
});

/** A layout with the step axis at the foot of the lowest strip, whose y axis is `anchor`. */
export function baseLayout(axis, colours, { width, height, anchor }) {
  const { left } = stepAxisPlace(width);
  return {
    width,
    height,
    margin: { l: left, r: RIGHT, t: 10, b: 42 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: colours.font, color: colours.ink },
    showlegend: false,
    hovermode: false,
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    xaxis: {
      ...axisStyle(colours),
      anchor,
      type: axis.log ? "log" : "linear",
      range: [axis.low, axis.high],
      tickformat: ",d",
      nticks: isNarrow(width) ? 5 : 10,
      ...(axis.log && { dtick: axis.high - axis.low > 2.2 ? 1 : "D2" }),
      showgrid: false,
      ticks: "outside",
      ticklen: 4,
      tickcolor: colours.line,
      title: { text: axis.log ? "step, logarithmic" : "step", font: { color: colours.muted, size: 12 }, standoff: 8 },
    },
  };
}

/** A caption inside the figure, at the left above the height `y` of the paper. */
export const note = (text, y, colours) => ({
  text,
  xref: "paper",
  yref: "paper",
  x: 0,
  y,
  xanchor: "left",
  yanchor: "bottom",
  yshift: 1,
  showarrow: false,
  font: { size: 12, color: colours.muted },
});
