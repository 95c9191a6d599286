"""The boards of this server."""

from __future__ import annotations

from dataclasses import dataclass

from jobs_core import Board, JobsError, Top
from jobs_web.site import Page, View


@dataclass(frozen=True)
class Look:
    """A board, and how it is doing, or why that is not known."""

    name: str
    url: str
    top: Top | None = None
    trouble: str | None = None


def boards(view: View) -> Page:
    """List the boards of this server with their figures."""
    served = view.site.boards or (view.site.board,)
    looks = [_look(board, _url(view, board, len(served))) for board in served]
    return Page("boards.html", {"looks": looks})


def _url(view: View, board: Board, count: int) -> str:
    return f"{view.home}/boards/{board.name}/" if count > 1 else view.url("/")


def _look(board: Board, url: str) -> Look:
    try:
        return Look(board.name, url, board.top(1))
    except JobsError as error:
        return Look(board.name, url, trouble=str(error))
