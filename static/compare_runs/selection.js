// What is looked at: the ticked runs, the unfolded studies, the order, the images, the weights. The page's address holds it all.

export const MOST_TICKED = 6;
export const NEWEST_FIRST = "-created";

const SPLITS = ["validation", "test"];
const WEIGHTS = ["both", "raw", "ema"];
const FEW = 2; // runs whose raw and averaged curves can be told apart when all are drawn

/** The selection in a page's address (its `search`). `ticked` and `weights` are null where it says nothing of them. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const oneOf = (values, value, otherwise) => (values.includes(value) ? value : otherwise);
  const ticked = given.get("runs");
  return {
    split: oneOf(SPLITS, given.get("split"), SPLITS[0]),
    weights: oneOf(WEIGHTS, given.get("weights"), null),
    ticked: ticked === null ? null : [...new Set(ticked.split(",").filter(Boolean))].slice(0, MOST_TICKED),
    unfolded: (given.get("studies") ?? "").split(",").filter(Boolean),
    sort: /^-?[\w:-]+$/.test(given.get("sort") ?? "") ? given.get("sort") : NEWEST_FIRST,
    filter: given.get("filter") ?? "",
    allKnobs: given.get("knobs") === "all",
  };
}

/** The address of a selection; what is as by default is left out. */
export function toAddress({ ticked, unfolded, sort, filter, allKnobs, split, weights }) {
  const address = new URLSearchParams();
  if (ticked) address.set("runs", ticked.join(","));
  if (unfolded.length) address.set("studies", unfolded.join(","));
  if (sort !== NEWEST_FIRST) address.set("sort", sort);
  if (filter) address.set("filter", filter);
  if (allKnobs) address.set("knobs", "all");
  if (split !== SPLITS[0]) address.set("split", split);
  if (weights) address.set("weights", weights);
  return `?${address}`.replaceAll("%2C", ",").replaceAll("%3A", ":"); // which need no disguise
}

/** Whose curves are drawn: as chosen; else both, or of more than a few runs the averaged alone. */
export const shownWeights = ({ weights, ticked }) => weights ?? (ticked?.length > FEW ? "ema" : "both");

/** Keep the address in line with the state. */
export function renderAddress(state) {
  if (state.runs === null) return;
  const address = toAddress(state);
  if (address !== (location.search || "?")) history.replaceState(null, "", address);
}
