// A chart of curves laid over one another: its switches, its size, when it is drawn anew, and what is pointed at.

import { library, NO_LIBRARY } from "../curves/library.js";
import { CONFIG, style } from "../curves/style.js";
import { byId, setText } from "../dom.js";
import { remembered } from "../memo.js";
import { renderPointed, setUpPointing } from "./pointing.js";

/**
 * Wire the chart whose choices are the radios called `switches`. `picture(now)`: null as long as nothing is known, or
 * { basis, curves, make, summary, empty }: what it depends on beside size and theme; the curves; `make(options)` as
 * figure() answers; what it shows in words; why there is no curve. Returns the renderer; `chosen`: the switches' values.
 */
export function setUpOverlay(state, switches, picture) {
  const [chart, frame] = [byId("overlay"), byId("overlay-frame")];
  const coloursOf = remembered(style);
  let size = { width: 0, height: 0 };
  let last = null;
  let drawn = null; // the curves in the figure, and its frame
  let hindrance = ""; // why there will be no figure
  const load = remembered(() => {
    library().then(() => state.set({}), () => {
      hindrance = NO_LIBRARY;
      state.set({});
    });
  });
  const radios = switches.flatMap((name) => [...document.querySelectorAll(`input[name=${name}]`)]);

  for (const radio of radios) radio.addEventListener("change", () => state.set({ [radio.name]: radio.value }));
  new ResizeObserver(([{ contentRect: { width, height } }]) => {
    size = { width: Math.round(width), height: Math.round(height) };
    state.set({});
  }).observe(chart);
  setUpPointing(state, frame, () => drawn);

  function draw({ themed, emphasised }, { basis, curves, make, summary }) {
    if (!window.Plotly) return load();
    const next = [...basis, emphasised, themed, size];
    if (last && next.every((value, i) => value === last[i])) return undefined;
    last = next;
    const { data, layout, frame: place } = make({ emphasised, colours: coloursOf(themed), ...size });
    window.Plotly.react(chart, data, layout, CONFIG);
    drawn = { curves, frame: place };
    return chart.setAttribute("aria-label", summary);
  }

  return (now, chosen) => {
    for (const radio of radios) radio.checked = radio.value === chosen[radio.name];
    setText(byId("overlay-title"), now.split === "test" ? "Test accuracy" : "Validation accuracy");
    const shown = picture(now);
    if (!shown) return;
    const empty = !shown.curves.length;
    frame.classList.toggle("empty", empty);
    setText(byId("overlay-note"), empty ? shown.empty : hindrance);
    if (empty) drawn = null;
    else if (size.width) draw(now, shown);
    renderPointed(now.pointed, drawn?.frame);
  };
}
