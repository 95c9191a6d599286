"""The generated files and their texts."""

from __future__ import annotations

import json
from pathlib import Path

from docs_tools import commands, errors, hooks, options, settings, signatures
from jobs_core.boardfile.schema import schema

DOCS = Path(__file__).parents[1] / "docs"


def written() -> dict[Path, str]:
    """Return the text of every generated file, by its path."""
    reference = DOCS / "reference"
    clients = reference / "clients.md"
    return {
        reference / "commands.md": commands.page(),
        reference / "errors.md": errors.page(),
        reference / "hooks.md": hooks.page(),
        reference / "options.md": options.page(),
        reference / "settings.md": settings.page(),
        clients: signatures.filled_in(clients.read_text("utf-8")),
        DOCS / "board.schema.json": json.dumps(schema(), indent=2) + "\n",
    }
