// How long to wait before a server is asked anew for what costs it time and changes with each checkpoint of a run.

const SHARE = 0.05; // of the time that it is to spend on it, at most
const LONGEST = 5_000; // ms: it may have been slow for other reasons, and what is shown is not to stay old

/** The pause in ms after an answer that took `took` ms. */
export const pauseAfter = (took) => Math.min(took / SHARE, LONGEST);
