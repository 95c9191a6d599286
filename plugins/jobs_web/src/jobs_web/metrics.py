"""`/metrics`: the metrics of a board, from whichever plugin provides them."""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jobs_core import Board


def metrics_route(board: Board) -> Route:
    """Return the route. Scrapers send a token, as all programs do."""

    @cache
    def reader() -> Any:
        return board.plugins.manager.hook.jobs_exposition(board=board)

    def metrics(request: Request) -> Response:
        """Answer with the metrics. With `?per-job`, those of single jobs are there, too."""
        read = reader()
        if read is None:
            raise HTTPException(404, "No plugin here provides metrics. Install jobs-metrics.")
        content_type, text = read("per-job" in request.query_params)
        return Response(text, headers={"Content-Type": content_type})

    return Route("/metrics", metrics)
