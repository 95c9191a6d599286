"""`/healthz` and `/readyz`, for what watches the server."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from jobs_core import Board, JobsError
from jobs_core.plugin_cli import redis_errors


def health_routes(boards: Sequence[Board]) -> list[Route]:
    """Return the routes. They need no login, and tell nothing about the server."""

    async def healthz(request: Request) -> Response:
        """Answer 200 while the process serves."""
        return PlainTextResponse("ok\n")

    def readyz(request: Request) -> Response:
        """Answer 200 if the Redis of each board does."""
        try:
            with redis_errors():
                for board in boards:
                    for client in {id(part.client): part.client for part in board.partitions}.values():
                        client.ping()
        except JobsError:
            return PlainTextResponse("Redis does not answer.\n", 503)
        return PlainTextResponse("ok\n")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
