"""What the routes work with, and how they get at it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from server.assets import Assets
from server.datasets import Datasets
from server.engine import Engine, EngineLoader
from server.telemetry import Telemetry
from server.watching import Watcher
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store


@dataclass(frozen=True)
class Services:
    """One of each for the whole application, from start-up to shut-down."""

    settings: Settings
    store: Store
    datasets: Datasets
    loader: EngineLoader
    watcher: Watcher
    assets: Assets
    telemetry: Telemetry


async def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


async def _engine(request: Request) -> Engine:
    return await cast(Services, request.app.state.services).loader.engine()


TheServices = Annotated[Services, Depends(_services)]
TheEngine = Annotated[Engine, Depends(_engine)]


def find_run(store: Store, run: str) -> Run:
    """The run of this id or name; where it is empty, the newest that has a checkpoint. Raises RunMissing."""
    return store.run(run) if run else store.newest_run()
