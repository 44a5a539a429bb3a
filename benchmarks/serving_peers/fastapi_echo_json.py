"""FastAPI, on the project's own Uvicorn, answering with the value it was sent: JSON read and written."""

from typing import Any

from fastapi import FastAPI

from benchmarks.serving_peers.network import arguments

app = FastAPI()


@app.post("/predict")
async def echo(body: dict[str, Any]) -> dict[str, Any]:
    """The body."""
    return body


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=arguments()[1], log_level="warning", access_log=False)
