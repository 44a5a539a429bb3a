// Live events. The browser reconnects by itself and says where it stopped; what it does not do is come back
// after a refusal (a proxy's 502, say), and it keeps the stream of a tab that nobody sees, of which it allows
// six a server. Both is done here.

const RETRY_AFTER = 2_000; // ms
const KINDS = ["run", "training", "checkpoint", "evaluation", "gone", "runs"];

/**
 * Follow the stream at `address(cursor)`, beyond the cursor `after`. `on[kind](data)` is called for each event,
 * and `on.connection("live" | "lost")` whenever the stream comes or goes. Returns a function that ends it.
 */
export function followEvents(address, after, on) {
  let source = null;
  let retry;
  let last = after;

  function open() {
    const opened = new EventSource(address(last));
    source = opened;
    opened.onopen = () => on.connection("live");
    opened.onerror = () => {
      on.connection("lost");
      if (opened.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_AFTER);
    };
    for (const kind of KINDS) {
      opened.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        on[kind]?.(JSON.parse(event.data || "null"));
      });
    }
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  function attend() {
    if (document.hidden) close();
    else if (!source) open();
  }

  document.addEventListener("visibilitychange", attend);
  attend();
  return () => {
    document.removeEventListener("visibilitychange", attend);
    close();
  };
}
