// The server's routes, as functions that return JSON or throw a Problem.

/** A refusal of the server (its sentence, its status), or status 0 where it could not be reached. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Problem(0, "The server cannot be reached.");
  }
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new Problem(response.status, body?.detail ?? `The server answered with status ${response.status}.`);
}

const run = (id) => `runs/${encodeURIComponent(id)}`;
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
const json = (method, value) =>
  ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });

export const listRuns = async () => (await request("runs")).runs;
export const queueRun = (name = "", config = {}) => request("runs", json("POST", { name, config }));
export const renameRun = (id, name) => request(run(id), json("PATCH", { name }));
export const stopRun = (id) => request(`${run(id)}/stop`, { method: "POST" });
export const resumeRun = (id) => request(`${run(id)}/resume`, { method: "POST" });
export const deleteRun = (id) => request(run(id), { method: "DELETE" });
export const readHistory = (id) => request(`${run(id)}/history`);
export const eventsAddress = (id, after) => `${run(id)}/events?after=${encodeURIComponent(after)}`;

/** One evaluation of a checkpoint's raw weights. */
export const evaluate = (id, step, split) => request(`evaluate?${query({ run: id, step, split })}`);

/** Both evaluations of a checkpoint, and their difference. */
export const compare = (id, step, split, average) => request(`compare?${query({ run: id, step, split, average })}`);

/** Read a picture with a checkpoint of a run; `body` is a Blob of a picture or 28 rows of 28 numbers. */
export const predict = (id, step, body) => request(`predict?${query({ run: id, step })}`, picture(body));

const picture = (body) =>
  body instanceof Blob
    ? { method: "POST", headers: { "Content-Type": body.type || "image/png" }, body }
    : json("POST", { image: body });

/** One image of the data set. */
export async function readImage(split, index) {
  const response = await fetch(`images/${split}/${index}.png`).catch(() => null);
  if (!response?.ok) throw new Problem(response?.status ?? 0, "The image could not be fetched.");
  return createImageBitmap(await response.blob());
}
