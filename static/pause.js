// How long to wait before a server is asked anew for what costs it time and changes with each checkpoint of a run.

const SHARE = 0.05; // of the time that it is to spend on it, where it takes long every time
const USUAL = 250; // ms that it takes at most, unless there is much to do
const LONGEST = 15_000; // ms: what is shown is not to stay old

/** The pause in ms after an answer that took `took` ms, and `before` the last time: being slow once is forgiven. */
export const pauseAfter = (took, before = USUAL) => Math.min(Math.min(took, before) / SHARE, LONGEST);
