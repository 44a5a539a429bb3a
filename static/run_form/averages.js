// The rows of the form that hold the averages to keep.

import { halfLifeWords } from "../curves/half_life.js";
import { byId, setText } from "../dom.js";
import { parsed, written } from "./knobs.js";

/** Wire the rows; `onChange` is called when what they say is another. */
export function setUpAverages(most, onChange) {
  const rows = byId("average-rows");
  const add = byId("add-average");

  function append({ decay, num_updates: numUpdates = true }) {
    const row = byId("average-row").content.firstElementChild.cloneNode(true);
    field(row).value = written(decay);
    tick(row).checked = numUpdates;
    rows.append(row);
    describe(row);
    return row;
  }

  function describe(row) {
    const decay = parsed(field(row).value, "number");
    const usual = typeof decay === "number" && decay >= 0 && decay < 1;
    setText(row.querySelector(".half-life"), usual ? `half-life ${halfLifeWords(decay)}` : "");
    add.disabled = rows.children.length >= most;
  }

  function changedAt(row) {
    field(row).removeAttribute("aria-invalid");
    describe(row);
    onChange();
  }

  rows.addEventListener("input", ({ target }) => changedAt(target.closest("li")));
  rows.addEventListener("click", ({ target }) => {
    const row = target.closest(".remove")?.closest("li");
    if (!row) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    add.disabled = false;
    (next ? next.querySelector(".remove") : add).focus();
    onChange();
  });
  add.addEventListener("click", () => {
    const row = append({ decay: another([...rows.children].map((r) => field(r).value.trim())) });
    field(row).select();
    onChange();
  });

  return {
    get: () => [...rows.children].map((row) =>
      ({ decay: parsed(field(row).value, "number"), num_updates: tick(row).checked })),
    set(averages) {
      rows.replaceChildren();
      averages.forEach(append);
      add.disabled = averages.length >= most;
    },
    /** Mark the row at `place`. */
    blame: (place) => rows.children[place] && field(rows.children[place]).setAttribute("aria-invalid", "true"),
    forgive: () => rows.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid")),
  };
}

const field = (row) => row.querySelector(".decay");
const tick = (row) => row.querySelector(".num-updates");

/** A decay that is not there yet: two averages of one kind would be one too many. */
const another = (there) => [0.99, 0.999, 0.9999, 0.9, 0.95, 0.995, 0.5, 0.98].find((decay) => !there.includes(String(decay)));
