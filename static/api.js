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
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new Problem(response.status, body?.detail ?? `The server answered with status ${response.status}.`);
}

const run = (id) => `runs/${encodeURIComponent(id)}`;

export const listRuns = async () => (await request("runs")).runs;
export const queueRun = () =>
  request("runs", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
export const stopRun = (id) => request(`${run(id)}/stop`, { method: "POST" });
export const readHistory = (id) => request(`${run(id)}/history`);
export const eventsAddress = (id, after) => `${run(id)}/events?after=${encodeURIComponent(after)}`;

/** Read a picture with the newest checkpoint of a run; `body` is a PNG Blob or 28 rows of 28 numbers. */
export function predict(id, body) {
  const picture = body instanceof Blob;
  return request(`predict?run=${encodeURIComponent(id)}`, {
    method: "POST",
    headers: { "Content-Type": picture ? "image/png" : "application/json" },
    body: picture ? body : JSON.stringify({ image: body }),
  });
}

/** One image of the data set. */
export async function readImage(split, index) {
  const response = await fetch(`images/${split}/${index}.png`).catch(() => null);
  if (!response?.ok) throw new Problem(response?.status ?? 0, "The image could not be fetched.");
  return createImageBitmap(await response.blob());
}
