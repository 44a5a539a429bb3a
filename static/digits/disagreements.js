// The panel "Where they differ": the images that raw and averaged weights read differently.

import { byId, element, setChildren, setText } from "../dom.js";
import { count } from "../format.js";
import { byConfidence, counted, KINDS } from "./disagreement.js";
import { hasPictures, setUpGallery } from "./gallery.js";
import { shownComparison } from "./panel.js";

const FIRST = 12; // two rows beside the digits

/** Wire the panel; returns the renderer. */
export function setUpDisagreements(state) {
  const panel = byId("disagreements-panel");
  let kind = "all";
  let shown = null;
  const show = setUpGallery(byId("disagreements-gallery"), byId("disagreements-more"), FIRST,
    (looked) => state.set(looked));
  byId("disagreements-kinds").addEventListener("change", ({ target }) => {
    kind = target.value;
    renderGallery(state.get(), true);
  });

  function renderGallery({ run }, fromStart) {
    const { disagreements, split } = shown;
    const found = disagreements.filter((d) => kind === "all" || d.kind === kind);
    const pictured = hasPictures(run);
    show(byConfidence(found), { split, pictured, fromStart });
    setText(byId("disagreements-empty"), found.length ? "" : nothing(shown, kind));
    byId("disagreements-unpictured").hidden = pictured || found.length === 0;
  }

  return (now) => {
    if (!now.run) return;
    const comparison = shownComparison(panel, now);
    if (!comparison || comparison === shown) return;
    shown = comparison;
    byId("disagreements-tools").hidden = comparison.disagreements.length === 0;
    renderCounts(counted(comparison.disagreements));
    setText(byId("disagreements-count"), comparison.ema ? share(comparison) : "");
    renderGallery(now, false);
  };
}

function renderCounts(counts) {
  for (const [kind, name] of Object.entries({ all: "All", ...KINDS })) {
    const label = byId("disagreements-kinds").querySelector(`[value="${kind}"] ~ span`);
    setChildren(label, `${name} `, element("b", { text: count(counts[kind]) }));
  }
}

const share = ({ disagreements, n, split }) => `${count(disagreements.length)} of ${count(n)} ${split} images`;

function nothing({ ema, step }, kind) {
  if (!ema) return "This run keeps no average, so there is nothing to differ from.";
  if (kind === "all") return `At step ${count(step)} raw and averaged read every image alike.`;
  return { fixed: "Averaging fixed none here.", broke: "Averaging broke none here.",
    both_wrong: "There is no image here that both read wrong, each in its own way." }[kind];
}
