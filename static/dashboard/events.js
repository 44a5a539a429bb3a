// The run's live events. The browser reconnects by itself and says where it stopped; what it does not do is
// come back after a refusal (a proxy's 502, say), so that is done here.

import { eventsAddress } from "../api.js";

const RETRY_AFTER = 2_000; // ms
const KINDS = ["run", "training", "checkpoint", "evaluation", "gone"];

/**
 * Follow the events of a run beyond the cursor `after`. `on[kind](data)` is called for each event, and
 * `on.connection("live" | "lost")` whenever the stream comes or goes. Returns a function that ends it.
 */
export function followEvents(id, after, on) {
  let source;
  let retry;
  let last = after;

  function open() {
    source = new EventSource(eventsAddress(id, last));
    source.onopen = () => on.connection("live");
    source.onerror = () => {
      on.connection("lost");
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_AFTER);
    };
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        on[kind](JSON.parse(event.data || "null"));
      });
    }
  }

  open();
  return () => {
    clearTimeout(retry);
    source.close();
  };
}
