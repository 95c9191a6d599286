"""Serve a board with a few jobs, and let schemathesis check the API against its OpenAPI document."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jobs_web
import uvicorn

from jobs_core import Board
from jobs_core.embedded import EmbeddedServer

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)

SECONDS = 40
"""How long to look for mistakes."""

EXAMPLES = 20
"""Requests to each route and phase at most."""


def main(arguments: list[str]) -> int:
    """Check the API. Returns the exit code of schemathesis."""
    with (
        tempfile.TemporaryDirectory() as data,
        EmbeddedServer(Path(data)) as server,
        Board("jobs", server.url) as board,
        serving(board) as url,
    ):
        fill(board)
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{url}/api/v1/openapi.json", "--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
            # A stream of events has no end.
            *("--exclude-operation-id", "get_events", "--request-timeout", "10", "--no-shrink"),
            *("--warnings", "off", "--max-time", str(SECONDS), "--seed", "1"),
            *arguments,
        ]
        return subprocess.run(command, cwd=data, check=False).returncode


def fill(board: Board) -> None:
    """Put a few jobs and tasks, some of which have ended."""
    board.put("report", "shell", "date", every="1h", label="team=payments", keep="1h")
    board.put("a/b", "shell", "date", after="report")
    board.put("0", "shell", "false", cron="0 3 * * *", zone="Europe/Brussels")
    for policy in ("ack", "retry"):
        board.push("shell", "exit 1", policy=policy, attempts=1)
    for task in board.pop("shell", count=2, lease=60):
        board.ack(str(task.token), "failed", code="1")
    board.push("report")
    board.limit("runner", "shell", concurrency=2)


@contextmanager
def serving(board: Board) -> Iterator[str]:
    """Serve a board on a free port. Yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            jobs_web.app(board, access=jobs_web.Access(open_role="editor")),
            log_level="error",
            timeout_graceful_shutdown=1,
            lifespan="off",
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
