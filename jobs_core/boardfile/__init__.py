"""Board files: jobs and alerts in YAML, TOML or a crontab, with the same option names as everywhere."""

from __future__ import annotations

from jobs_core.boardfile.model import BoardFile, Declarations, Declared, Problem, Where
from jobs_core.boardfile.read import read, read_valid

__all__ = ["BoardFile", "Declarations", "Declared", "Problem", "Where", "read", "read_valid"]
