// What is looked at: the run, the step, a variable, an average, the filter and the order. The address holds it all.

export const LATEST = "latest";

const ORDERS = ["number", "change"];
const SCALES = ["linear", "log"];

const whole = (text) => (/^\d{1,9}$/.test(text ?? "") ? Number(text) : 0);
const among = (values, value) => (values.includes(value) ? value : values[0]);

/** The selection in a page's address (its `search`); whatever it leaves out or has wrong is as by default. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const step = given.get("step") ?? "";
  return {
    runId: given.get("run"),
    step: /^\d{1,15}$/.test(step) ? Number(step) : LATEST,
    name: given.get("name"),
    average: given.get("average"),
    filter: given.get("filter") ?? "",
    from: whole(given.get("from")),
    order: among(ORDERS, given.get("order")),
    unit: whole(given.get("unit")),
    scale: among(SCALES, given.get("scale")),
  };
}

/** The address of a selection; what is as by default is left out. */
export function toAddress({ runId, step, name, average, filter, from, order, unit, scale }) {
  const address = new URLSearchParams();
  if (runId !== null) address.set("run", runId);
  if (step !== LATEST) address.set("step", step);
  if (name) address.set("name", name);
  if (average) address.set("average", average);
  if (filter) address.set("filter", filter);
  if (from) address.set("from", from);
  if (order !== ORDERS[0]) address.set("order", order);
  if (unit) address.set("unit", unit);
  if (scale !== SCALES[0]) address.set("scale", scale);
  return `?${address}`.replaceAll("%2F", "/"); // which needs no disguise
}

/** Keep the address in line with the state. */
export function renderAddress(state) {
  if (state.runs === null) return;
  const address = toAddress(state);
  if (address !== (location.search || "?")) history.replaceState(history.state, "", address);
}
