"""`description`: free text about a job, in all places that show or store jobs."""

from __future__ import annotations

import json
from pathlib import Path

from jobs_core import Board
from tests.helpers import Jobs, refused

TEXT = "Nightly export.\nAsk the data team before you pause it: don't."


def test_a_description_is_shown(board: Board, jobs: Jobs) -> None:
    assert jobs("put", "a", "console", "x", "--every", "1h", "--description", TEXT).exit_code == 0
    assert json.loads(jobs("show", "a", "--json").stdout)["description"] == TEXT
    assert "Ask the data team" in jobs("show", "a").stdout
    assert board.show("a")["description"] == TEXT


def test_board_files_keep_descriptions(board: Board, jobs: Jobs, tmp_path: Path) -> None:
    file = tmp_path / "board.yml"
    file.write_text(
        'jobs:\n  a: {runner: console, payload: x, every: 1h, description: "One line.\\nAnother.\\n"}\n'
    )
    assert jobs("board", "apply", str(file)).exit_code == 0
    assert board.show("a")["description"] == "One line.\nAnother.\n"
    file.write_text(jobs("board", "export").stdout)
    assert "description:" in file.read_text()
    assert jobs("board", "diff", str(file), "--exit-code", "--adopt").exit_code == 0
    assert (
        "description"
        in json.loads(jobs("board", "schema").stdout)["properties"]["jobs"]["additionalProperties"][
            "properties"
        ]
    )


def test_dump_and_load_keep_descriptions(board: Board) -> None:
    board.put("a", "console", "x", every="1h", description=TEXT)
    dumped = list(board.dump())
    board.remove("a")
    list(board.load(dumped))
    assert board.show("a")["description"] == TEXT


def test_a_description_has_a_maximum_length(jobs: Jobs) -> None:
    refused(jobs("put", "a", "console", "x", "--description", "x" * 1001), "description", "1000 bytes")
