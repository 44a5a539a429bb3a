"""A file that the pages load, as browsers get it."""

import gzip
import hashlib
import re
from functools import cached_property
from pathlib import PurePath

from fastapi import Request, Response

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_ACCEPTS_GZIP = re.compile(r"gzip( *; *q=(0\.0*[1-9]\d*|1(\.0*)?))?", re.IGNORECASE)


def _parts(request: Request, header: str) -> list[str]:
    """What a header lists."""
    return [part.strip() for part in request.headers.get(header, "").split(",")]


class StaticFile:
    """Kept in memory, as it is and compressed.

    A page loads a hundred; to look for each in its folder costs twice as much as all the rest of an answer.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.content = content
        self.media_type = _MEDIA_TYPES.get(PurePath(name).suffix, "application/octet-stream")

    @cached_property
    def hash(self) -> str:
        """16 digits that change with the content."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    @cached_property
    def compressed(self) -> bytes:
        """The content, compressed once for all who load it."""
        return gzip.compress(self.content, mtime=0)

    def response(self, request: Request, cache_control: str) -> Response:
        """The file, or that it is what the browser has already."""
        etag = f'"{self.hash}"'
        # Weak, as it stands for both forms of the content.
        headers = {"Cache-Control": cache_control, "ETag": f"W/{etag}", "Vary": "Accept-Encoding"}
        known = {tag.removeprefix("W/") for tag in _parts(request, "if-none-match")}
        if known & {etag, "*"}:
            return Response(status_code=304, headers=headers)
        content = self.content
        if any(_ACCEPTS_GZIP.fullmatch(coding) for coding in _parts(request, "accept-encoding")):
            headers["Content-Encoding"], content = "gzip", self.compressed
        return Response(content, headers=headers, media_type=self.media_type)
