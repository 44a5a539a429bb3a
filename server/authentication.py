"""Who may change something: whoever shows the token of this server, or the cookie of its login form."""

import asyncio
import hashlib
import hmac
import time
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.requests import HTTPConnection

from server.services import TheServices

COOKIE = "shadowboard"
SESSION_SECONDS = 30 * 24 * 3600

_WRONG_SECONDS = 0.5  # what a wrong guess costs; the length of the token does the rest

_BEARER = HTTPBearer(auto_error=False, description="The server's SHADOWBOARD_TOKEN, where it has one")
_SESSION = APIKeyCookie(name=COOKIE, auto_error=False, description="As `/login` sets it")


async def owner(
    services: TheServices,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    session: Annotated[str | None, Depends(_SESSION)],
) -> None:
    """Let pass who may change something: everybody where no token is set. Raises HTTPException 401."""
    token = services.settings.token
    if not token or (session is not None and is_session(token, session, time.time())):
        return
    if bearer is None:
        what = "No token was sent" if session is None else "The login has ended"
    elif await is_token(token, bearer.credentials.encode("latin-1")):  # as it came, whatever it was
        return
    else:
        what = "The token is wrong"
    raise HTTPException(
        HTTPStatus.UNAUTHORIZED,
        f"{what}; expected the header `Authorization: Bearer` with the server's SHADOWBOARD_TOKEN, "
        "or a login at /login.",
        {"WWW-Authenticate": "Bearer"},
    )


def can_change(token: SecretStr, connection: HTTPConnection) -> bool:
    """Whether the browser that asks for a page may change something."""
    return not token or is_session(token, connection.cookies.get(COOKIE, ""), time.time())


async def is_token(token: SecretStr, offered: bytes) -> bool:
    """Whether `offered` is the token; a wrong one is told only after a while."""
    # Digests are of one length, so that the time of the comparison tells nothing about the token.
    right = hmac.compare_digest(_digest(_secret(token)), _digest(offered))
    if not right:
        await asyncio.sleep(_WRONG_SECONDS)
    return right


def came_by_https(connection: HTTPConnection) -> bool:
    """Also to a proxy in front. Who forges this header gets a stricter cookie, nothing else."""
    return "https" in (connection.url.scheme, connection.headers.get("x-forwarded-proto", ""))


def new_session(token: SecretStr, now: float) -> str:
    """The cookie's value: when it expires, and a signature that ends with the token."""
    expires = str(int(now) + SESSION_SECONDS)
    return f"{expires}.{_signature(token, expires)}"


def is_session(token: SecretStr, value: str, now: float) -> bool:
    """Whether `value` is a cookie of ours that has not expired."""
    expires, _, signature = value.partition(".")
    expected = _signature(token, expires).encode()
    return hmac.compare_digest(expected, signature.encode(errors="replace")) and int(expires) > now


def _signature(token: SecretStr, expires: str) -> str:
    key = hmac.digest(_secret(token), b"shadowboard session", "sha256")
    return hmac.digest(key, expires.encode(errors="replace"), "sha256").hex()


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _secret(token: SecretStr) -> bytes:
    return token.get_secret_value().encode()
