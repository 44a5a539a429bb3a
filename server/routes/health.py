"""Whether the server is up."""

from fastapi import APIRouter

from server.schemas import Health

router = APIRouter(tags=["server"])


@router.get("/healthz")
async def healthz() -> Health:
    """The server is up."""
    return Health()
