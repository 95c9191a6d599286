"""Keep the embedded server running while `jobs up` does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from jobs_core.embedded.server import EmbeddedServer
from jobs_core.errors import ServerError

INTERVAL = 0.5
"""Seconds between two checks."""


def keep_alive(server: EmbeddedServer, report: Callable[[str], object]) -> None:
    """Restart the server in the background whenever it dies. Workers wait meanwhile.

    Supervision ends when `server.stop()` is called.

    Args:
        server: A started server.
        report: Called with a sentence about each restart, and about each one that fails.
    """
    threading.Thread(target=_supervise, args=(server, report), name="jobs-supervisor", daemon=True).start()


def _supervise(server: EmbeddedServer, report: Callable[[str], object]) -> None:
    while True:
        time.sleep(INTERVAL)
        if not server.pid:
            return
        server.bound_log()
        if server.alive():
            continue
        report("The server died. Restarting it.")
        try:
            server.restart()
        except ServerError as error:
            report(f"{error} Retrying.")
