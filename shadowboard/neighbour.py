"""A server that is running already where one is about to be started."""

import json
from urllib.error import URLError
from urllib.request import urlopen

from shadowboard.settings import Settings

_PATIENCE_SECONDS = 5.0


def board_of(settings: Settings, run_id: str) -> str | None:
    """The URL of the server at the host and port of the settings, where it knows the run; None where not.

    A run's id is a random one: whoever knows it works on the same store.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - taken out
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    try:
        with urlopen(f"{url}/runs/{run_id}", timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - it is http
            found = json.load(answer)
    except (URLError, OSError, ValueError):
        return None
    return url if isinstance(found, dict) and found.get("id") == run_id else None
