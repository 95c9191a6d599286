"""Import and call a function. Tracebacks go to the task's log."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs_core import Context, OptionError, Outcome, Task, call_function, exception_outcome
from jobs_python.allow import Allowed, NotAllowedError

_importing = threading.Lock()


class FunctionNotFoundError(Exception):
    """There is no function at this path."""


def call(path: str, args: Sequence[Any], kwargs: Mapping[str, Any], task: Task, context: Context) -> Outcome:
    """Call a function and return its result or exception as an outcome.

    Parameters named `task` and `context` receive these, unless the payload sets them.
    """
    try:
        allowed = Allowed.read(path, context)
        allowed.check_path(path)
        function = find(path, context.settings["python_path"])
        allowed.check_function(path, function)
    except NotAllowedError as error:
        return Outcome.failed(str(error), code="not-allowed")
    except OptionError as error:
        return Outcome.refused(error)
    except FunctionNotFoundError as error:
        return Outcome.failed(str(error), code="import")
    except BaseException as error:  # including SystemExit from a script
        failed = exception_outcome(error, task, context)
        return replace(failed, note=f"cannot import {path}: {failed.note}", code="import")
    try:
        return call_function(function, args, {**_injected(function, args, kwargs, task, context), **kwargs})
    except BaseException as error:  # including SystemExit: the function failed
        return exception_outcome(error, task, context)


def find(path: str, directories: Iterable[str]) -> Callable[..., Any]:
    """Import a function by its path, `module:name`.

    Raises FunctionNotFoundError, and whatever the module raises.
    """
    name, _, attributes = path.partition(":")
    with _importing:
        for directory in directories:
            place = str(Path(directory).resolve())
            if place not in sys.path:
                sys.path.append(place)
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # the module exists, but one of its imports does not
            raise FunctionNotFoundError(
                f"this worker finds no module {name!r}: install it, or set python_path"
            ) from None
    for attribute in attributes.split("."):
        found = getattr(found, attribute, None)
    if not callable(found):
        raise FunctionNotFoundError(f"the module {name!r} has no function {attributes!r}")
    return found  # type: ignore[no-any-return]


def _injected(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], task: Task, context: Context
) -> dict[str, Any]:
    """Return `task` and `context` if the function has parameters of these names."""
    try:
        signature = inspect.signature(function)
        given = signature.bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):  # no signature, or the arguments do not match: the call itself raises
        return {}
    own = {"task": task, "context": context}
    return {name: own[name] for name in signature.parameters if name in own and name not in given}
