"""The floor: FastAPI, on the project's own Uvicorn, answering with the bytes it was sent. No JSON is read."""

from fastapi import FastAPI, Request, Response

from benchmarks.serving_peers.network import arguments

app = FastAPI()


@app.post("/predict")
async def echo(request: Request) -> Response:
    """The body."""
    return Response(await request.body(), media_type="application/json")


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=arguments()[1], log_level="warning", access_log=False)
