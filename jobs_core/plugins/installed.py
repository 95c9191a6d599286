"""The plugins that are installed: the entry points of the group `jobs`."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "jobs"


def installed() -> tuple[EntryPoint, ...]:
    """Return the entry points of all plugins, by name."""
    return _on_path(tuple(sys.path))


@lru_cache(maxsize=1)
def _on_path(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the plugins on a `sys.path`. Reading what all packages say takes some ms, so it is done once."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda entry: entry.name))


def distribution_of(entry: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the package that brings a plugin, or empty strings."""
    if entry.dist is None:
        return "", ""
    metadata = entry.dist.metadata  # parsed anew with each use
    return metadata["Name"], metadata["Version"]
