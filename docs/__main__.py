"""Write docs/hooks.md from the hook specifications: `scripts/docs`."""

from __future__ import annotations

import inspect
from pathlib import Path

from jobs_core import hookspecs

PAGE = Path(__file__).parent / "hooks.md"

HEAD = """\
# Hooks

Made by `scripts/docs` from jobs_core/hookspecs.py. Each example is a plugin that is tested as it stands.
"""


def render() -> str:
    """The page: each hook with its parameters, what it is for, and its example."""
    hooks = [function for name, function in vars(hookspecs).items() if name.startswith("jobs_")]
    return "\n".join([HEAD, *map(_section, hooks)])


def _section(hook: object) -> str:
    name = hook.__name__  # type: ignore[attr-defined]
    parameters = ", ".join(inspect.signature(hook).parameters)  # type: ignore[arg-type]
    text, _, example = inspect.getdoc(hook).partition("Example:\n")  # type: ignore[union-attr]
    return f"## `{name}({parameters})`\n\n{text.strip()}\n\n```python\n{inspect.cleandoc(example)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
