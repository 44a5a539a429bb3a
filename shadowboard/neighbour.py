"""A server that is running already where one is about to be started."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from shadowboard.settings import Settings

_PATIENCE_SECONDS = 5.0


def knows(settings: Settings, run_id: str) -> bool:
    """Whether the server at the host and port of the settings knows the run.

    A run's id is a random one: whoever knows it works on the same store.
    """
    return _answer(f"{_url(settings)}/runs/{run_id}").get("id") == run_id


def board_at(settings: Settings) -> str | None:
    """The URL of the server at the host and port of the settings, where it is a Shadowboard on any store."""
    url = _url(settings)
    about = _answer(f"{url}/openapi.json").get("info")
    return url if isinstance(about, dict) and about.get("title") == "Shadowboard" else None


def _url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - taken out
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _answer(address: str) -> dict[str, Any]:
    """What is there, as JSON; empty where there is nothing of that kind."""
    try:
        # Not through a proxy: it is on this machine.
        with build_opener(ProxyHandler({})).open(address, timeout=_PATIENCE_SECONDS) as answer:
            found = json.load(answer)
    except (URLError, OSError, HTTPException, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
