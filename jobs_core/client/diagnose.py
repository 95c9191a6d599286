"""Questions about a board's server and health."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

from jobs_core.client.board import BoardClient
from jobs_core.contract import Check, Finding
from jobs_core.engine.commands import translated
from jobs_core.errors import AgainError, DeniedError, JobsError, ServerError


def server_version(board: BoardClient) -> str:
    """Return the version of Redis that the server is, or is compatible with: `7.2.4`."""
    with translated(board.commands.server):
        return str(board.client.info("server")["redis_version"])


def run_checks(board: BoardClient, only: str | None = None) -> Iterator[tuple[Check, Finding]]:
    """Run the checks that plugins provide, or the one named `only`.

    Permissions come first, so that a missing permission is reported once, not by every check. If Redis is
    away, only the first check that notices waits for it.
    """
    checks = [check for check in board.plugins.checks() if only in (None, check.name)]
    reported: set[str] = set()
    for check in sorted(checks, key=lambda check: check.name != "permissions"):
        try:
            finding = _run(check, board)
        except DeniedError as error:
            if "permissions" in reported:
                continue
            finding = Finding("problem", str(error))
        except AgainError as error:  # the board is not there: what others find would be about nothing
            yield Check("board", check.run, "whether the board exists"), Finding("problem", str(error))
            return
        except ServerError as error:
            finding, board = Finding("problem", str(error)), _without_patience(board)
        if finding.state == "problem":
            if finding.note in reported:
                continue
            reported |= {check.name, finding.note}
        yield check, finding


def _without_patience(board: BoardClient) -> BoardClient:
    """Return the board, whose calls fail at once while Redis is away."""
    hasty = copy(board)
    hasty.commands = board.commands.with_timeout(patience=0)
    return hasty


def _run(check: Check, board: BoardClient) -> Finding:
    """Run one check. A check that fails is a problem itself, and does not stop the others.

    Raises:
        DeniedError: The user may not run a command that the check needs.
        ServerError: Redis is away, or does not serve the board for now.
        AgainError: Redis has no such board, as far as it knows.
    """
    try:
        with translated(board.commands.server):
            return check.run(board)
    except (ServerError, AgainError):
        raise
    except JobsError as error:
        return Finding("problem", str(error))
    except Exception as error:
        return Finding("problem", f"the check failed: {type(error).__name__}: {error}")
