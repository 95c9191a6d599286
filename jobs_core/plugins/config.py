"""Find and read `jobs.toml`, and note what is wrong with it."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs_core.errors import OptionError
from jobs_core.plugins.notices import say_once, warn_once

FILE = "jobs.toml"
TABLE = "settings"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings that a file has. `problems` has sentences about what in it has no effect."""

    path: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_config() -> Config:
    """Read the settings file. The first time, name it on standard error if nobody chose it, and its problems.

    It is JOBS_CONFIG, else `jobs.toml` in the current directory, else in the user's configuration directory.
    In the current directory, a file that other users control is ignored.

    Raises:
        OptionError: JOBS_CONFIG names a file that does not exist, or the file cannot be read.
    """
    path = find_config()
    if path is None:
        return Config()
    content = _content(path)
    table = content.get(TABLE, {})
    if not isinstance(table, Mapping):
        raise OptionError(f"{path}: expected [{TABLE}] to be a table")
    problems = list(_problems(path, content))
    warn_once(problems)
    return Config(path, table, problems)


def find_config() -> Path | None:
    """Return the path of the settings file, or None. Says once what it does with one in this directory."""
    named = os.environ.get("JOBS_CONFIG")
    if named:
        if not Path(named).is_file():
            raise OptionError(f"JOBS_CONFIG: there is no file {named!r}")
        return Path(named)
    here = Path(FILE)
    if here.is_file():
        danger = _danger(here)
        if danger is None:
            say_once([f"Using the settings in {here.absolute()}"])
            return here
        say_once([f"Ignoring the settings in {here.absolute()}: {danger}"])
    from platformdirs import user_config_path

    path = user_config_path("jobs") / FILE
    return path if path.is_file() else None


def _danger(path: Path) -> str | None:
    """Say why a file that nobody named cannot be trusted, or return None."""
    status = path.stat()
    if status.st_uid not in (0, os.getuid()):
        return "it belongs to another user; to use it, name it in JOBS_CONFIG"
    if status.st_mode & stat.S_IWOTH:
        return "every user may write to it; run `chmod o-w` on it, or name it in JOBS_CONFIG"
    return None


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise OptionError(f"{path}: cannot read the file: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise OptionError(f"{path}: cannot read the file: {error}") from None


def _problems(path: Path, content: Mapping[str, Any]) -> Iterator[str]:
    if content and TABLE not in content:
        yield f"{path}: there is no section [{TABLE}], so no setting has an effect; add one"
    elif len(content) > 1:
        names = ", ".join(repr(name) for name in content if name != TABLE)
        yield f"{path}: only the section [{TABLE}] has an effect; move {names} into it, or remove it"
