// The server's routes, as functions that return JSON or throw a Problem.

/** A refusal of the server (its sentence, its status), or status 0 where it could not be reached. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, options = {}) {
  const response = await reached(path, options);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw refusal(response, body);
}

async function reached(path, options = {}) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Problem(0, "The server cannot be reached.");
  }
}

const refusal = ({ status }, body) => new Problem(status, body?.detail ?? `The server answered with status ${status}.`);

const run = (id) => `runs/${encodeURIComponent(id)}`;
const study = (id) => `studies/${encodeURIComponent(id)}`;
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
const json = (method, value) =>
  ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });

/** The newest `limit` runs, or all, and how many there are in all; of none but those outside studies where that is asked. */
export const listRuns = (limit = null, outside = null) => request(`runs?${query({ limit, outside_studies: outside })}`);
export const readRun = (id) => request(run(id));
export const readScores = async () => (await request("runs/scores")).runs;
export const queueRun = (name = "", config = {}) => request("runs", json("POST", { name, config }));
/** What `queueRun` would queue. */
export const previewRun = (config) => request("runs/preview", json("POST", { config }));
/** What a run has started from. */
export const readStart = (id) => request(`${run(id)}/start`);
export const renameRun = (id, name) => request(run(id), json("PATCH", { name }));
export const stopRun = (id) => request(`${run(id)}/stop`, { method: "POST" });
export const resumeRun = (id) => request(`${run(id)}/resume`, { method: "POST" });
export const deleteRun = (id) => request(run(id), { method: "DELETE" });

export const listStudies = async () => (await request("studies")).studies;
/** Everything that a study has found so far. */
export const readStudy = (id) => request(study(id));
export const readStudyCurves = async (id, split) => (await request(`${study(id)}/curves?${query({ split })}`)).curves;
export const queueStudy = (wanted) => request("studies", json("POST", wanted));
export const stopStudy = (id) => request(`${study(id)}/stop`, { method: "POST" });
export const resumeStudy = (id) => request(`${study(id)}/resume`, { method: "POST" });
export const deleteStudy = (id) => request(study(id), { method: "DELETE" });

/** The curves of a run; of the training's, `points` at most. */
export const readHistory = (id, points = null) => request(`${run(id)}/history?${query({ max_points: points })}`);
/** One run's events beyond a cursor, and those of the list of runs. */
export const eventsAddress = (id, after) => `${run(id)}/events?runs=true&after=${encodeURIComponent(after)}`;
export const listEventsAddress = "events";

/** One evaluation of a checkpoint's raw weights. */
export const evaluate = (id, step, split) => request(`evaluate?${query({ run: id, step, split })}`);

/** Both evaluations of a checkpoint, and their difference. */
export const compare = (id, step, split, average) => request(`compare?${query({ run: id, step, split, average })}`);

/** The images that one set of weights reads as a digit: `question` as GET /evaluate/images takes it. */
export const listEvaluated = (question) => request(`evaluate/images?${query(question)}`);

/** The difference between both at every checkpoint of a run, and over all of them. */
export const compareRun = (id, split, average) => request(`${run(id)}/comparison?${query({ split, average })}`);

/** How validation and test accuracy agree over a run, for each of its weights. */
export const readAgreement = (id) => request(`${run(id)}/agreement`);

const checkpoint = (id, step) => `${run(id)}/checkpoints/${step}`;

/** What a run has saved, and whether it is still there. */
export const listCheckpoints = (id) => request(`${run(id)}/checkpoints`);

/** What is in a checkpoint: all of it, or the variables of these `names`; with what has to be read for it, or without. */
export const listVariables = (id, step, names, statistics) =>
  request(`${checkpoint(id, step)}/variables?${query({ statistics })}${names.map((name) => `&name=${encodeURIComponent(name)}`).join("")}`);

/** One variable of a checkpoint close up. */
export const readVariable = (id, step, name) => request(`${checkpoint(id, step)}/variable?${query({ name })}`);

/** Units of the first layer: `question` as GET …/units takes it. */
export const readUnits = (id, step, question) => request(`${checkpoint(id, step)}/units?${query(question)}`);

/** What a restore reads: `question` as GET …/restore-map takes it. */
export const readRestoreMap = (id, step, question) => request(`${checkpoint(id, step)}/restore-map?${query(question)}`);

/** Where a checkpoint's weights are to be had as a file: `question` as GET …/export takes it. */
export const exportAddress = (id, step, question) => `${checkpoint(id, step)}/export?${query(question)}`;

/** A file that the server makes, as { name, content }, the content a Blob. */
export async function readFile(address) {
  const response = await reached(address);
  if (!response.ok) throw refusal(response, await response.json().catch(() => null));
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition"));
  const content = await response.blob().catch(() => null);
  if (content === null) throw new Problem(0, "The connection broke off.");
  return { name, content };
}

/** One image of a run's data set, read by every checkpoint of the run. */
export const readThroughTraining = (id, split, index) => request(`${run(id)}/readings?${query({ split, index })}`);

/** Read a picture with a checkpoint of a run; `body` is a Blob of a picture or 28 rows of 28 numbers. */
export const predict = (id, step, body) => request(`predict?${query({ run: id, step })}`, picture(body));

/** Read several images, each 28 rows of 28 numbers, with one checkpoint of a run. */
export const predictAll = (id, step, images, signal) =>
  request(`predict/batch?${query({ run: id, step })}`, { ...json("POST", { images }), signal });

/** Read an image with every checkpoint of a run. */
export const readDrawingThroughTraining = (id, image, signal) =>
  request(`${run(id)}/readings`, { ...json("POST", { image }), signal });

/** An image of the run's data set: { image, label }. */
export const readSample = (id, split, index) =>
  request(`${run(id)}/readings?${query({ split, index, max_points: 1 })}`);

const picture = (body) =>
  body instanceof Blob
    ? { method: "POST", headers: { "Content-Type": body.type || "image/png" }, body }
    : json("POST", { image: body });
