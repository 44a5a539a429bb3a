// The correlations and the cost of the choice, a row for each set of weights.

import { weightsOf } from "../curves/series.js";
import { element } from "../dom.js";
import { count, images } from "../format.js";
import { correlationText } from "./pairs.js";

/** The rows of the table's body; `agreement`: the answer of GET /runs/{id}/agreement. */
export function tableRows({ run, average, agreement }) {
  return weightsOf(run, average).flatMap(({ name, label, chosen }) => {
    const found = name === null ? agreement.raw : agreement.averages[name];
    if (!found) return [];
    const [kind, decay] = label.split(/ (.*)/);
    const word = element("span", { class: name === null ? "raw-word" : chosen ? "ema-word" : "", text: kind });
    return [element("tr", {},
      element("th", { scope: "row" }, word, ...(decay ? [element("small", { text: decay })] : [])),
      correlationCell(found.overall), correlationCell(found.late), costCell(found))];
  });
}

function correlationCell(found) {
  const why = "Too few checkpoints, or an accuracy that never changes";
  if (!found) return element("td", { class: "none", title: why, text: "–" });
  const { pearson, pearson_interval: interval, spearman } = found;
  return element("td", {},
    element("b", { text: correlationText(pearson) }),
    element("small", { text: interval.map((bound) => correlationText(bound, pearson)).join(" to ") }),
    element("small", { text: `ρ\u00a0${correlationText(spearman)}` }));
}

function costCell({ chosen, best, test_images: n }) {
  const lost = best.test - chosen.test;
  return element("td", {},
    element("b", { text: lost ? images(lost) : "none" }),
    element("small", { text: lost ? `${((100 * lost) / n).toFixed(2)}\u00a0pp` : "" }),
    element("small", { text: `step\u00a0${count(chosen.step)}` }));
}
