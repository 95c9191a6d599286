"""The conformance kit with the plugin, which must not load OpenTelemetry before it is used."""

from __future__ import annotations

import subprocess
import sys

from jobs_core import Board
from jobs_core.testing import PluginConformance

UNUSED = """
import sys
from jobs_core import Board, Outcome, Runner
from jobs_core.testing import working

board = Board(sys.argv[1], sys.argv[2], validate=False)
board.push("test", "x")
with working(board, Runner("test", lambda task, context: Outcome.done())) as (_, log):
    log.wait_for("task.finished")
print(*(name for name in sys.modules if name.startswith(("opentelemetry.exporter", "jobs_otel."))))
"""


class TestOtel(PluginConformance):
    plugin = "otel"


def test_a_process_that_does_not_trace_loads_nothing_to_trace_with(board: Board, url: str) -> None:
    words = [sys.executable, "-c", UNUSED, board.name, url]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.split() == [
        "jobs_otel.switch"
    ]
