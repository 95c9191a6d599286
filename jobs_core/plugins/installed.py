"""The plugins that are installed: the entry points of the group `jobs`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "jobs"


@dataclass(frozen=True, slots=True)
class Installed:
    """The entry point of a plugin, and the package that brings it."""

    entry: EntryPoint
    distribution: str
    version: str


def installed() -> tuple[Installed, ...]:
    """Return all installed plugins, by name."""
    return _on_path(tuple(sys.path))


@lru_cache(maxsize=1)
def _on_path(path: tuple[str, ...]) -> tuple[Installed, ...]:
    """Return the plugins on a `sys.path`. All packages there are looked into, so this is done once."""
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return tuple(Installed(entry, *_package(entry)) for entry in found)


def _package(entry: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the package of an entry point."""
    if entry.dist is None:
        return "", ""
    metadata = entry.dist.metadata  # parsed anew with each use
    return metadata["Name"], metadata["Version"]
