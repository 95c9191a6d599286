"""Find jobs that Redis accepts, but that probably do not do what was meant: see `RULES`."""

from __future__ import annotations

from jobs_core.lint.model import Finding, Rule
from jobs_core.lint.registry import RULES, check_names, find, unknown_names

__all__ = ["RULES", "Finding", "Rule", "check_names", "find", "unknown_names"]
