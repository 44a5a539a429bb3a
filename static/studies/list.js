// All studies, newest first.

import { byId, element, setChildren, setText } from "../dom.js";
import { count } from "../format.js";
import { aboutText, progressText, stateName } from "./progress.js";

const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** Returns the renderer; `names` are those of the variants. */
export function setUpList(names) {
  return ({ studies }) => {
    if (studies === null) return;
    byId("no-study").hidden = studies.length > 0;
    const some = `${count(studies.length)} ${studies.length === 1 ? "study" : "studies"}`;
    setText(byId("studies-count"), studies.length ? some : "");
    setChildren(byId("studies"), ...studies.map((study) => item(study, names)));
  };
}

function item(study, names) {
  const { id, name, progress, variants, created_at: created } = study;
  return element("li", { class: "panel" },
    element("h2", {}, element("a", { href: `study?study=${encodeURIComponent(id)}`, text: name })),
    element("p", { class: "state", "data-state": progress.state },
      element("strong", { text: stateName(progress) }), " ", element("span", { text: progressText(progress) })),
    element("p", { class: "caption", text: `${aboutText(study)} · ${day.format(new Date(created * 1000))}` }),
    ...(progress.state === "finished" ? [] : [element("progress", {
      max: progress.steps || 1, value: progress.steps_done, "aria-label": `Steps done of ${name}`,
    })]),
    element("p", {
      class: "caption", text: `The full recipe, and ${variants.map((part) => names[part]).join(", ")}.`,
    }));
}
