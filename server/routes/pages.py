"""The pages, and the files that they load."""

import re

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from starlette.templating import Jinja2Templates

from server.api_page import Api, prose
from server.assets import Assets
from server.authentication import came_by_https, can_change
from server.run_form import run_form
from server.services import Services, TheServices
from shadowboard import __version__
from shadowboard.export.formats import FORMATS
from shadowboard.variants import FEWEST_SEEDS, MOST_SEEDS, NAMES, USUAL_SEEDS

_VERSION = re.compile("[0-9a-f]{16}")
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def page_router(assets: Assets) -> APIRouter:
    """The routes of the pages, of their icon and of Plotly's script."""
    router = APIRouter(include_in_schema=False)
    templates = Jinja2Templates(assets.templates)
    templates.env.filters["prose"] = prose

    def live_page(name: str, request: Request, services: Services) -> Response:
        """A page about runs: with a chart, and with what may be changed."""
        token = services.settings.token
        context = {
            "can_change": can_change(token, request),
            "can_log_in": bool(token),
            "formats": FORMATS.values(),
            "modules": assets.modules,
            "plotly_url": assets.plotly_url,
            "run_form": run_form(),
            "fewest_seeds": FEWEST_SEEDS,
            "most_seeds": MOST_SEEDS,
            "static_url": assets.static_url,
            "usual_seeds": USUAL_SEEDS,
            "variant_names": NAMES,
            "version": __version__,
        }
        headers = {"Cache-Control": _ASK_AGAIN}
        return templates.TemplateResponse(request, name, context, headers=headers)

    @router.get("/", response_class=HTMLResponse)
    def dashboard(request: Request, services: TheServices) -> Response:
        return live_page("dashboard.html", request, services)

    @router.get("/compare-runs", response_class=HTMLResponse)
    def compare_runs(request: Request, services: TheServices) -> Response:
        return live_page("compare_runs.html", request, services)

    @router.get("/study", response_class=HTMLResponse)
    def studies(request: Request, services: TheServices) -> Response:
        return live_page("studies.html", request, services)

    @router.get("/inspect", response_class=HTMLResponse)
    def inspector(request: Request, services: TheServices) -> Response:
        return live_page("inspector.html", request, services)

    @router.get("/docs", response_class=HTMLResponse)
    def api(request: Request) -> Response:
        scheme = "https" if came_by_https(request) else request.base_url.scheme
        address = request.base_url.replace(scheme=scheme)
        context = {
            "api": Api(request.app.openapi(), str(address)),
            "modules": assets.modules,
            "static_url": assets.static_url,
        }
        headers = {"Cache-Control": _ASK_AGAIN}
        return templates.TemplateResponse(request, "api.html", context, headers=headers)

    @router.get("/favicon.ico")  # what browsers ask for where no page names an icon: beside JSON
    async def favicon(request: Request) -> Response:
        return assets.files["icon.svg"].response(request, "public, max-age=86400")

    @router.get("/static/plotly.min.js")
    def plotly(request: Request) -> Response:
        return assets.plotly.response(request, _FOREVER)

    @router.get("/static/{path:path}")
    async def static_file(path: str, request: Request) -> Response:
        version, _, rest = path.partition("/")
        versioned = _VERSION.fullmatch(version) is not None
        file = assets.files.get(rest if versioned else path)
        if not file:
            raise HTTPException(404)
        # A page of another version, which is still open, gets what is there now, but shall not keep it.
        return file.response(request, _FOREVER if version == assets.version else _ASK_AGAIN)

    return router
