"""The application: what it consists of, and its start and end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from fastapi.middleware import Middleware

from server import problems
from server.assets import Assets
from server.datasets import Datasets
from server.engine import EngineLoader
from server.heads import HeadRequests
from server.openapi import Described
from server.parameters import only_known
from server.problems import LastResort
from server.request_log import RequestLog
from server.routes import (
    agreement,
    compare,
    evaluate,
    evaluated_images,
    events,
    health,
    history,
    images,
    predict,
    readings,
    run_comparison,
    runs,
    standings,
    studies,
)
from server.routes.checkpoints import checkpoints_router
from server.routes.export import export_router
from server.routes.login import login_router
from server.routes.pages import page_router
from server.security import BodyLimit, HostCheck, OriginCheck, SecurityHeaders
from server.services import Services
from server.telemetry import RequestMetrics, Telemetry
from server.typed_addresses import TypedAddresses
from server.watching import Watcher
from shadowboard import __version__
from shadowboard.deletion import remove_deleted
from shadowboard.given_network import GivenNetwork
from shadowboard.settings import Settings
from shadowboard.store import Store

_BODY_LIMIT = 8 * 2**20
_BODY_SECONDS = 30.0
_LOCK_SECONDS = 5.0  # longer than workers write; then whoever asked is told to try again
_TAGS = {
    "weights": "What the weights of a checkpoint are worth, and what they read.",
    "runs": "Training runs: queue, follow and stop them.",
    "studies": "A recipe with and without each of its parts, with several seeds.",
    "images": "The data that the runs learn from.",
    "server": "The server itself.",
}


def create_app(settings: Settings, networks: Sequence[GivenNetwork] = ()) -> FastAPI:
    """The application of these settings; the database is opened when it starts.

    `networks`: those that whoever starts it gives, beside the one that it knows.
    """
    assets, telemetry = Assets(), Telemetry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store, datasets = Store(settings.store_url, _LOCK_SECONDS), Datasets()
        loader = EngineLoader(
            settings,
            store,
            datasets,
            telemetry.restore_seconds.observe,
            telemetry.evaluation_seconds.observe,
            {network.name: network for network in networks},
        )
        watcher = Watcher(store, loader.wake)
        app.state.services = Services(settings, store, datasets, loader, watcher, assets, telemetry)
        loader.start()
        await asyncio.to_thread(remove_deleted, settings.run_folder(""), store.has_run)
        watching = asyncio.create_task(watcher.watch())
        yield
        close_streams(app)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await asyncio.to_thread(loader.close)
        store.close()

    app = Described(
        title="Shadowboard",
        version=__version__,
        description="Raw and averaged weights of training runs, compared. Times are seconds since 1970, UTC; "
        "losses are in nats; an accuracy is a share from 0 to 1.",
        openapi_tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
        docs_url=None,  # their pages load scripts from elsewhere; server/api_page.py is ours
        redoc_url=None,
        # For OpenTelemetry, which it looks for at each request; server/telemetry.py is ours.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[
            Middleware(RequestLog),
            Middleware(SecurityHeaders),
            Middleware(HeadRequests),
            Middleware(RequestMetrics, telemetry),
            Middleware(LastResort),
            Middleware(HostCheck, settings.host, settings.names),
            Middleware(OriginCheck),
            Middleware(TypedAddresses),
            Middleware(BodyLimit, _BODY_LIMIT, _BODY_SECONDS),
        ],
    )
    problems.install(app)
    for router in (
        predict.router,  # programs ask it often, and each router before it would cost them time
        *(health.router, evaluate.router, evaluated_images.router, compare.router),
        *(readings.router, images.router),
        # The standings first: otherwise /runs/scores would be the run called scores.
        *(
            standings.router,
            runs.router,
            history.router,
            run_comparison.router,
            agreement.router,
            studies.router,
            checkpoints_router(),
            export_router(),
            events.router,
        ),
    ):
        app.include_router(router, dependencies=[Depends(only_known)])
    app.include_router(page_router(assets))
    if settings.token:
        app.include_router(login_router(assets))
    return app


def close_streams(app: FastAPI) -> None:
    """End every stream of events. A server that shuts down waits for them before it ends the lifespan."""
    services: Services = app.state.services
    services.watcher.close()
