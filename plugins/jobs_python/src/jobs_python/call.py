"""Finding a function and calling it; what it raises goes to the log of its task."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs_core import Context, Outcome, Task, call_function, described

_importing = threading.Lock()


class NotThereError(Exception):
    """No function of that path: one sentence."""


def call(path: str, args: Sequence[Any], kwargs: Mapping[str, Any], task: Task, context: Context) -> Outcome:
    """Call a function, and make an outcome of what it returns or raises.

    A parameter named `task` or `context` gets these, unless the payload says otherwise.
    """
    try:
        function = find(path, context.settings["python_path"])
    except NotThereError as error:
        return Outcome.failed(str(error), code="import")
    except BaseException as error:  # a script that exits where it is imported, too
        _print_traceback(error, context)
        return Outcome.failed(f"{path} cannot be imported: {described(error)}", code="import")
    try:
        return call_function(function, args, {**_own(function, args, kwargs, task, context), **kwargs})
    except BaseException as error:  # whatever it is, it is the function's own failure
        _print_traceback(error, context)
        return Outcome.failed(described(error), code=type(error).__name__)


def find(path: str, directories: Iterable[str]) -> Callable[..., Any]:
    """Import a function by its path, `module:name`. Raises NotThereError, and whatever its module raises."""
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
                raise  # it is there, and lacks another one
            raise NotThereError(
                f"there is no module {name!r} where this worker looks: install it, or see python_path"
            ) from None
    for attribute in attributes.split("."):
        found = getattr(found, attribute, None)
    if not callable(found):
        raise NotThereError(f"the module {name!r} has no function {attributes!r}")
    return found  # type: ignore[no-any-return]


def _own(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], task: Task, context: Context
) -> dict[str, Any]:
    """What of the task and its context a function asks for, by the names of its parameters."""
    try:
        signature = inspect.signature(function)
        given = signature.bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):  # a builtin that does not say, or arguments that do not fit: let it tell
        return {}
    own = {"task": task, "context": context}
    return {name: own[name] for name in signature.parameters if name in own and name not in given}


def _print_traceback(error: BaseException, context: Context) -> None:
    for text in traceback.format_exception(error):
        for line in text.splitlines():
            context.line(line, "stderr")
