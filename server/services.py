"""What the routes work with, and how they get at it."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from server.assets import Assets
from server.datasets import Datasets
from server.engine import Engine, EngineLoader
from server.telemetry import Telemetry
from server.watching import Watcher
from shadowboard.settings import Settings
from shadowboard.store import Store

_CHANGES = 4  # at a time: each holds a thread while it waits for the database's lock


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
    changes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CHANGES))
    """Held by a request that changes something, or looks into a checkpoint to start from."""

    @property
    def tells_places(self) -> bool:
        """Whether answers name the folders of runs in full: where no token keeps anybody from anything."""
        return not self.settings.token


async def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


async def the_engine(request: Request) -> Engine:
    """The engine as soon as it is loaded. Raises HTTPException 503 where that takes too long."""
    return await cast(Services, request.app.state.services).loader.engine()


TheServices = Annotated[Services, Depends(_services)]
TheEngine = Annotated[Engine, Depends(the_engine)]
