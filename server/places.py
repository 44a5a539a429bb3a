"""What is told over HTTP of where this machine has its files: of a folder its last name at most."""

from pathlib import Path
from typing import Any, TypeVar, cast

from shadowboard.configuration import RunConfig
from shadowboard.watched import MNIST, WatchedConfig

Config = TypeVar("Config", bound=RunConfig | WatchedConfig)


def without_places(config: Config) -> Config:
    """The configuration of a run, its folders by their last names: `…/training`."""
    told: dict[str, Any] = {}
    if config.data != MNIST:
        told["data"] = _last_name(config.data)
    if isinstance(config, WatchedConfig):
        told["folder"] = _last_name(config.folder)
    elif config.start_from and config.start_from.folder:
        place = {"folder": _last_name(config.start_from.folder)}
        told["start_from"] = config.start_from.model_copy(update=place)
    return cast(Config, config.model_copy(update=told))


def _last_name(folder: str) -> str:
    return f"…/{Path(folder).name}"
