"""`jobs plugin new`: a package that works, is tested and can be published, to begin from.

`common/` has the files that every package gets, `kinds/` the code and conformance test of each kind; `$name`
and others are filled in. A template is named `.in`; `--` stands for a folder, and MODULE for the package.
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
    """Write the package `jobs-<name>` into a new folder of that name, in `where`. Returns its files.

    Raises OptionError for a bad name, ExistsError when the folder is there.

    >>> new("slack", "runner", Path("."))[0]
    PosixPath('jobs-slack/.github/workflows/test.yml')
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise OptionError(f"a plugin's name is lowercase letters, digits and dashes, which {name!r} is not")
    if kind not in KINDS:
        raise OptionError(f"a plugin is a {', '.join(KINDS[:-1])} or {KINDS[-1]}, not a {kind!r}")
    root = where / f"jobs-{name}"
    if root.exists():
        raise ExistsError(f"{root} is there already: choose another name, or remove it")
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
