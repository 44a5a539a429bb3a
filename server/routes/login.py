"""The login: a form that takes the server's token and leaves a cookie, so that pages may change things."""

import re
import time
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.templating import Jinja2Templates

from server.assets import Assets
from server.authentication import COOKIE, SESSION_SECONDS, came_by_https, is_token, new_session
from server.services import TheServices

# `//` and `/\` begin the name of another server, also where a browser first drops what does not print.
_PATH_HERE = re.compile(r"/(?![/\\])[!-\[\]-~]*")

_Next = Annotated[str, Query(alias="next")]


def login_router(assets: Assets) -> APIRouter:
    """The routes of a server that has a token."""
    router = APIRouter(include_in_schema=False)
    templates = Jinja2Templates(assets.templates)

    def form(request: Request, way: str, error: str = "", status: int = 200) -> Response:
        context = {"error": error, "next": way, "static_url": assets.static_url}
        headers = {"Cache-Control": "no-store"}
        return templates.TemplateResponse(request, "login.html", context, status, headers)

    @router.get("/login", response_class=HTMLResponse)
    async def login_page(request: Request, way: _Next = "/") -> Response:
        return form(request, _here(way))

    @router.post("/login")
    async def login(request: Request, services: TheServices) -> Response:
        fields = parse_qs((await request.body()).decode("latin-1"), encoding="utf-8", errors="replace")
        token = services.settings.token
        way = _here(fields.get("next", ["/"])[0])
        offered = fields.get("token", [""])[0].strip()
        if not await is_token(token, offered.encode()):
            error = "That is not the token of this server." if offered else "The token is missing."
            return form(request, way, error, 401)
        answer = RedirectResponse(way, 303)
        answer.set_cookie(
            COOKIE,
            new_session(token, time.time()),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=came_by_https(request),
        )
        return answer

    @router.post("/logout")
    async def logout() -> Response:
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    return router


def _here(way: str) -> str:
    """`way` where it leads to this server, else the dashboard."""
    return way if _PATH_HERE.fullmatch(way) else "/"
