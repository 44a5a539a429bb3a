// Has pictures read, the latest one always, with one request on its way at most.

const PAUSE = 60; // ms: while a stroke is being drawn, so long at least between two readings

/**
 * `read(picture)` answers a promise, and is called when the picture's turn comes; `onReading(reading, picture)` and
 * `onProblem(problem)` hear of the latest request only. → { ask(picture), forget() }
 */
export function createReader(read, onReading, onProblem) {
  let wanted = null; // its turn has not come yet
  let current = null; // the latest, sent or not
  let busy = false;

  async function work() {
    busy = true;
    while (wanted) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const asked = wanted;
      wanted = null;
      if (!asked) break;
      try {
        const reading = await read(asked.picture);
        if (asked === current) onReading(reading, asked.picture);
      } catch (problem) {
        if (asked === current) onProblem(problem);
      }
    }
    busy = false;
  }

  return {
    ask(picture) {
      current = wanted = { picture };
      if (!busy) work();
    },
    forget() {
      current = wanted = null;
    },
  };
}
