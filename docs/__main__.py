"""Write what is made from the code: the page of hooks, and the JSON Schema of board files: `scripts/docs`."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

from jobs_core.boardfile.schema import schema
from jobs_core.plugins import hookspecs

PAGE = Path(__file__).parent / "hooks.md"
SCHEMA = Path(__file__).parent / "board.schema.json"

HEAD = """\
# Hooks

Made by `scripts/docs` from jobs_core/plugins/hookspecs.py. Each example is a tested plugin.
"""


def render() -> str:
    """The page: each hook with its parameters, what it is for, and its example."""
    hooks = [function for name, function in vars(hookspecs).items() if name.startswith("jobs_")]
    return "\n".join([HEAD, *map(_section, hooks)])


def render_schema() -> str:
    """What `jobs board schema` prints."""
    return json.dumps(schema(), indent=2) + "\n"


def _section(hook: object) -> str:
    name = hook.__name__  # type: ignore[attr-defined]
    parameters = ", ".join(inspect.signature(hook).parameters)  # type: ignore[arg-type]
    text, _, example = inspect.getdoc(hook).partition("Example:\n")  # type: ignore[union-attr]
    return f"## `{name}({parameters})`\n\n{text.strip()}\n\n```python\n{inspect.cleandoc(example)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
    SCHEMA.write_text(render_schema(), "utf-8")
