"""Functions as jobs: what `@board.job(every=5)` declares, and the runners that call it."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jobs_core.context import Context
from jobs_core.contract import Runner
from jobs_core.engine.commands import Call
from jobs_core.errors import OptionError
from jobs_core.options import to_pairs
from jobs_core.types import Outcome, Task

Function = Callable[..., Any]
"""It takes the payload, and what it calls `task` and `context`, as far as it asks for them. It returns an
outcome, a note, or nothing, and may be `async`."""

F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Declared:
    """A function that was declared as a job."""

    id: str
    function: Function
    runner: str | None
    """One whose payload is an import path; None for the process that declares the function."""
    options: Mapping[str, Any]

    def call(self, checked: Callable[..., Call]) -> Call:
        """The JSET that puts the job, which `checked` makes."""
        if self.runner is None:
            return checked("JSET", self.id, self.id, "", self.options, is_own=True)
        path = f"{_module_of(self.function)}:{self.function.__qualname__}"
        return checked("JSET", self.id, self.runner, path, self.options)


@dataclass(slots=True)
class Functions:
    """The functions that were declared with one board."""

    declared: list[Declared] = field(default_factory=list)

    def declare(self, id: str | None, *, runner: str | None, **options: Any) -> Callable[[F], F]:
        """Declare the function that is decorated.

        Raises OptionError for an id that was declared before, and for a function that could never be called.
        """
        to_pairs(options)  # a name that is no option is a mistake of this line, not of one far away

        def decorate(function: F) -> F:
            if runner is None:
                _arguments_of(function)  # which refuses what could never be called
            else:
                _check_importable(function)
            name = id or _id_of(function)
            if any(one.id == name for one in self.declared):
                raise OptionError(f"two functions are declared as the job {name!r}: give one another id")
            self.declared.append(Declared(name, function, runner, options))
            return function

        return decorate

    def job(self, id: Any = None, *, runner: str | None = None, **options: Any) -> Any:
        """The decorator `@board.job(…)`, or `@board.job` with no parentheses."""
        if callable(id):
            return self.declare(None, runner=None)(id)
        return self.declare(id, runner=runner, **options)

    def runners(self) -> list[Runner]:
        """The runners of functions that run in this process. Raises OptionError when there are none."""
        found = [function_runner(one.id, one.function) for one in self.declared if one.runner is None]
        if not found:
            raise OptionError("no function is declared to run here: decorate one with @board.job(every=…)")
        return found


def function_runner(name: str, function: Function) -> Runner:
    """Make a runner of a function. Raises OptionError for one that wants more than there is."""
    arguments = _arguments_of(function)
    return Runner(name, lambda task, context: call_function(function, *arguments(task, context)))


def call_function(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Outcome:
    """Call a function, and make an outcome of what it returns. Raises what it raises.

    What `async def` has made is run to its end. sys.exit() means what it does in a program. A generator is a
    failure: nothing of it has run.
    """
    try:
        result = function(*args, **kwargs)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
    except SystemExit as end:
        return _as_exit(end.code)
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        return Outcome.failed("the function is a generator, of which nothing has run", code="generator")
    if isinstance(result, Outcome):
        return result
    return Outcome.done("" if result is None else str(result))


def _as_exit(code: object) -> Outcome:
    if code in (None, 0):
        return Outcome.done()
    if isinstance(code, int):
        return Outcome.failed(f"exit {code}", code=str(code))
    return Outcome.failed(str(code), code="1")


Arguments = Callable[[Task, Context], tuple[Sequence[Any], Mapping[str, Any]]]


def _arguments_of(function: Function) -> Arguments:
    """What a function is called with: its task and context by these names, and the payload.

    Where there is no payload, a parameter that has a default keeps it.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin that does not say: it takes something
        return lambda task, context: ([task.payload], {})
    named = {one.name for one in parameters} & {"task", "context"}
    others = [one for one in parameters if one.name not in named]
    needed = [one for one in others if _is_needed(one)]
    if len(needed) > 1:
        names = ", ".join(one.name for one in needed)
        raise OptionError(f"a function gets a payload, and what it calls task and context: not {names}")
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
    """An id of the names of a function and its module: what an id cannot have becomes a dash."""
    return re.sub(r"[^\w.-]+", "-", f"{_module_of(function)}.{function.__qualname__}")[-64:].strip("-.")


def _check_importable(function: Function) -> None:
    if "<" in function.__qualname__:
        raise OptionError(
            f"{function.__qualname__} is not at the top of its module, where another process finds it"
        )
    if not _module_of(function).replace(".", "_").isidentifier():
        raise OptionError(
            f"{function.__qualname__} is in {_module_of(function)}, which no other process can import: "
            "write it to a file whose name is a Python name"
        )


def _module_of(function: Function) -> str:
    """The name that others import a function's module by, also where it is the program that runs."""
    if function.__module__ != "__main__":
        return function.__module__
    main = sys.modules["__main__"]
    if main.__spec__ is not None:  # python -m reports.monthly
        return main.__spec__.name
    return Path(getattr(main, "__file__", "<stdin>")).stem
