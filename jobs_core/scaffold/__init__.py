"""Create the package of a new plugin, with tests and ready to publish: `jobs plugin new`.

`common/` has the templates of every package, `kinds/` those of each kind: its code and conformance test.
Templates end in `.in`, and use `$name` and other variables. In the name of a template, `--` separates
folders, and MODULE stands for the package.
"""

from __future__ import annotations

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from jobs_core import __version__
from jobs_core.errors import ExistsError, OptionError

KINDS = ("runner", "policy", "logger", "command")


def new(name: str, kind: str, where: Path) -> list[Path]:
    """Create the package `jobs-<name>` in a new folder of that name.

    Args:
        name: The name of the plugin: lowercase letters, digits and dashes.
        kind: One of KINDS.
        where: The folder to create it in.

    Returns:
        The files of the package.

    Raises:
        OptionError: The name or the kind is not valid.
        ExistsError: The folder exists.

    >>> new("slack", "runner", Path("."))[0]
    PosixPath('jobs-slack/.github/workflows/test.yml')
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise OptionError(f"name: expected lowercase letters, digits and dashes, got {name!r}")
    if kind not in KINDS:
        raise OptionError(f"kind: expected {', '.join(KINDS[:-1])} or {KINDS[-1]}, got {kind!r}")
    root = where / f"jobs-{name}"
    if root.exists():
        raise ExistsError(f"{root} already exists. Choose another name, or remove it.")
    words = {
        "name": name,
        "module": f"jobs_{name.replace('-', '_')}",
        "title": "".join(part.capitalize() for part in name.split("-")),
        "kind": kind,
        "core": ".".join(__version__.split(".")[:2]),
    }
    return sorted(_write(root, template, words) for template in _templates(kind))


def _templates(kind: str) -> list[Traversable]:
    files = resources.files(__name__)
    return [
        *(file for file in files.joinpath("common").iterdir() if file.name.endswith(".in")),
        *(file for file in files.joinpath("kinds", kind).iterdir() if file.name.endswith(".in")),
    ]


def _write(root: Path, template: Traversable, words: dict[str, str]) -> Path:
    relative = template.name.removesuffix(".in").replace("MODULE", words["module"]).replace("--", "/")
    path = root / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Template(template.read_text("utf-8")).substitute(words), "utf-8")
    return path
