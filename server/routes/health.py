"""Whether the server is up."""

from fastapi import APIRouter

from server.schemas.health import Health

router = APIRouter(tags=["server"])


@router.get("/healthz", summary="Ask whether the server is up")
async def healthz() -> Health:
    """Answers at once, whatever else the server is busy with."""
    return Health()
