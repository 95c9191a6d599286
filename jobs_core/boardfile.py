"""Board files: jobs declared in YAML or TOML, under the same option names as everywhere."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jobs_core.errors import OptionError
from jobs_core.options import JOB_OPTIONS, unknown

TOP = ("board", "jobs")
JOB = ("runner", "payload", *JOB_OPTIONS)


@dataclass(frozen=True, slots=True)
class BoardFile:
    """What a board file declares: jobs as `Board.put_many` takes them, and their board, if it says."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    board: str | None = None


def read(path: Path) -> BoardFile:
    """Read a board file, `.toml` or YAML.

    Raises OptionError with the file, the job and the key that is not understood.

        jobs:
          tick:
            runner: shell
            payload: date
            every: 5s
    """
    content = _parse(path)
    if not isinstance(content, Mapping) or not isinstance(content.get("jobs"), Mapping):
        raise OptionError(f"{path}: a board file has a mapping `jobs:` of ids to jobs")
    _known(f"{path}", content, TOP)
    jobs = [_job(path, str(id), job) for id, job in content["jobs"].items()]
    return BoardFile(jobs, content.get("board"))


def _parse(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except OSError as error:
        raise OptionError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise OptionError(f"{path}{where}: not YAML: {error.problem}") from None
    except (tomllib.TOMLDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: {error}") from None


def _job(path: Path, id: str, job: Any) -> dict[str, Any]:
    where = f"{path}: job {id!r}"
    if not isinstance(job, Mapping):
        raise OptionError(f"{where} must be a mapping with a runner and a payload")
    _known(where, job, JOB)
    for name in ("runner", "payload"):
        if name not in job:
            raise OptionError(f"{where} has no {name}")
    return {"id": id, **job}


def _known(where: str, mapping: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in mapping:
        if name not in known:
            raise OptionError(f"{where}: {unknown('key', str(name), known)}")
