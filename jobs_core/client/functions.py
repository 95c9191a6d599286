"""Functions as jobs: the decorator `@board.job(every=5)`, and the runners that call the functions."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jobs_core.context import Context
from jobs_core.contract import Runner
from jobs_core.engine.commands import Call
from jobs_core.errors import OptionError
from jobs_core.options import to_pairs
from jobs_core.text import described, redact
from jobs_core.types import Outcome, Task

Function = Callable[..., Any]
"""A function that runs tasks. It may take the payload, and parameters named `task` and `context`. It returns
an outcome, a note or nothing, and may be `async`."""

F = TypeVar("F", bound=Function)

TRACEBACK = 30_000
"""Maximum length of a kept traceback, in characters. Its end is kept, because that names the error."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A function declared as a job."""

    id: str
    function: Function
    runner: str | None
    """A runner whose payload is an import path, or None to run in the declaring process."""
    options: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The function's import path, `module:name`."""
        return f"{_module_of(self.function)}:{self.function.__qualname__}"

    def call(self, checked: Callable[..., Call]) -> Call:
        """Return the JSET that puts the job. `checked` checks and makes it."""
        if self.runner is None:
            return checked("JSET", self.id, self.id, "", self.options, is_own=True)
        return checked("JSET", self.id, self.runner, self.path, self.options)


@dataclass(slots=True)
class Functions:
    """The functions declared with one board."""

    declared: list[Declared] = field(default_factory=list)

    def declare(self, id: str | None, *, runner: str | None, **options: Any) -> Callable[[F], F]:
        """Return a decorator that declares a function as a job.

        Raises OptionError for a duplicate id, and for a function that a runner cannot call.
        """
        to_pairs(options)  # report an unknown option here, not when the job is put

        def decorate(function: F) -> F:
            if runner is None:
                _arguments_of(function)  # raises OptionError for a function that a runner cannot call
            else:
                _check_importable(function)
            name = id or _id_of(function)
            if any(one.id == name for one in self.declared):
                raise OptionError(f"Two functions are declared as the job {name!r}. Give one another id.")
            self.declared.append(Declared(name, function, runner, options))
            return function

        return decorate

    def job(self, id: Any = None, *, runner: str | None = None, **options: Any) -> Any:
        """The decorator `@board.job(…)`, or `@board.job` without parentheses."""
        if callable(id):
            return self.declare(None, runner=None)(id)
        return self.declare(id, runner=runner, **options)

    def runners(self) -> list[Runner]:
        """Return the runners of functions that run in this process. Raises OptionError if there are none."""
        found = [function_runner(one.id, one.function) for one in self.declared if one.runner is None]
        if not found:
            raise OptionError(
                "No function is declared to run in this process. Decorate one with @board.job(every=…)."
            )
        return found


def function_runner(name: str, function: Function) -> Runner:
    """Make a runner from a function. Raises OptionError if the function needs other parameters."""
    arguments = _arguments_of(function)

    def run(task: Task, context: Context) -> Outcome:
        try:
            return call_function(function, *arguments(task, context))
        except BaseException as error:  # SystemExit and the like are failures of the function, too
            return exception_outcome(error, task, context)

    return Runner(name, run)


def call_function(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Outcome:
    """Call a function, and turn its result into an outcome. Raises what the function raises.

    A coroutine runs to its end. sys.exit() sets the outcome, as it sets the exit code of a program. A
    generator is a failure, because none of its code has run.

    Args:
        function: The function to call.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Returns:
        The outcome that the function returned, or `done` with its result as the note.
    """
    try:
        result = function(*args, **kwargs)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
    except SystemExit as end:
        return _as_exit(end.code)
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        return Outcome.failed("the function is a generator: none of its code has run", code="generator")
    if isinstance(result, Outcome):
        return result
    return Outcome.done("" if result is None else str(result))


def exception_outcome(error: BaseException, task: Task, context: Context) -> Outcome:
    """Turn an exception into a failed outcome, and write its traceback to the task's output.

    The code is the name of the exception, and the data has the traceback. Both omit the payload.

    Args:
        error: The exception that the function raised.
        task: The task that was running.
        context: The context of the task.
    """
    text = redact(task.raw, "".join(traceback.format_exception(error)))
    for line in text.splitlines():
        context.line(line, "stderr")
    note = redact(task.raw, described(error))
    return Outcome.failed(note, code=type(error).__name__, traceback=text[-TRACEBACK:])


def _as_exit(code: object) -> Outcome:
    if code in (None, 0):
        return Outcome.done()
    if isinstance(code, int):
        return Outcome.failed(f"exit {code}", code=str(code))
    return Outcome.failed(str(code), code="1")


Arguments = Callable[[Task, Context], tuple[Sequence[Any], Mapping[str, Any]]]


def _arguments_of(function: Function) -> Arguments:
    """Return a function that makes the arguments for a call: the payload, `task` and `context`.

    Without a payload, a parameter keeps its default.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature: pass it the payload
        return lambda task, context: ([task.payload], {})
    named = {one.name for one in parameters} & {"task", "context"}
    others = [one for one in parameters if one.name not in named]
    needed = [one for one in others if _is_needed(one)]
    if len(needed) > 1:
        names = ", ".join(one.name for one in needed)
        raise OptionError(
            "A function may take one payload, and parameters named task and context. "
            f"{function.__name__} requires {names}."
        )
    takers = [one for one in others if one.kind is not one.VAR_KEYWORD]
    taker = next(iter(needed or takers), None)

    def arguments(task: Task, context: Context) -> tuple[Sequence[Any], Mapping[str, Any]]:
        own = {name: value for name, value in {"task": task, "context": context}.items() if name in named}
        if taker is None or not (task.payload or _is_needed(taker)):
            return (), own
        if taker.kind in (taker.POSITIONAL_ONLY, taker.VAR_POSITIONAL):
            return (task.payload,), own
        return (), {taker.name: task.payload, **own}

    return arguments


def _is_needed(parameter: inspect.Parameter) -> bool:
    is_rest = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not is_rest


def _id_of(function: Function) -> str:
    """Return an id made from the module and name of a function. Other characters become dashes."""
    return re.sub(r"[^\w.-]+", "-", f"{_module_of(function)}.{function.__qualname__}")[-64:].strip("-.")


def _check_importable(function: Function) -> None:
    if "<" in function.__qualname__:
        raise OptionError(
            f"{function.__qualname__} is not at the top level of its module, so no other process can import "
            "it. Move it there."
        )
    if not _module_of(function).replace(".", "_").isidentifier():
        raise OptionError(
            f"{function.__qualname__} is in {_module_of(function)}, which no other process can import. "
            "Move it to a file whose name is a Python identifier."
        )


def _module_of(function: Function) -> str:
    """Return the name under which others import the function's module, even if it runs as the program."""
    if function.__module__ != "__main__":
        return function.__module__
    main = sys.modules["__main__"]
    if main.__spec__ is not None:  # python -m reports.monthly
        return main.__spec__.name
    return Path(getattr(main, "__file__", "<stdin>")).stem
