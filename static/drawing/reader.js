// Has pictures read, the latest one always, with one request on its way at most.

const PAUSE = 60; // ms: while a stroke is being drawn, so long at least between two readings

/**
 * `read(picture)` answers a promise; `onReading(reading)` and `onProblem(problem)` hear of the latest request only.
 * → { ask(picture), forget() }; `picture` is a function that makes one, called when its turn comes.
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
        const reading = await read(await asked());
        if (asked === current) onReading(reading);
      } catch (problem) {
        if (asked === current) onProblem(problem);
      }
    }
    busy = false;
  }

  return {
    ask(picture) {
      current = wanted = picture;
      if (!busy) work();
    },
    forget() {
      current = wanted = null;
    },
  };
}
