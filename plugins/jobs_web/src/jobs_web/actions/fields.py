"""Reads the fields of forms."""

from __future__ import annotations

from starlette.datastructures import FormData

from jobs_core import OptionError


def text(form: FormData, name: str) -> str | None:
    """Return a field without spaces around it; None if it is empty or missing."""
    value = form.get(name)
    return value.strip() or None if isinstance(value, str) else None


def required(form: FormData, name: str) -> str:
    """Return a field. Raises OptionError if it is empty or missing."""
    value = text(form, name)
    if value is None:
        raise OptionError(f"{name}: expected a value, got nothing", option=name)
    return value


def texts(form: FormData, name: str) -> list[str]:
    """Return all values of a field."""
    return [value for value in form.getlist(name) if isinstance(value, str)]
