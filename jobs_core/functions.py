"""Functions as jobs: what `@board.job(every=5)` declares, and the runners that call it."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jobs_core.commands import Call
from jobs_core.errors import OptionError
from jobs_core.model import Context, Outcome, Runner, Task
from jobs_core.options import to_pairs

Function = Callable[..., Any]
"""It takes nothing, the payload, or the task and its context; it returns an outcome, a note, or nothing, and
may be `async`."""

F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Declared:
    """A function that was declared as a job."""

    id: str
    function: Function
    runner: str | None
    """One whose payload is an import path; None for the process that declares the function."""
    options: Mapping[str, Any]

    def call(self, checked: Callable[..., Call]) -> tuple[Any, ...]:
        """The JSET that puts the job; `checked` makes it where a plugin's runner is to check the payload."""
        if self.runner is None:
            return "JSET", self.id, self.id, "", *to_pairs(self.options)
        path = f"{_module_of(self.function)}:{self.function.__qualname__}"
        name, arguments = checked("JSET", self.id, self.runner, path, self.options)
        return name, *arguments


@dataclass(slots=True)
class Functions:
    """The functions that were declared with one board."""

    declared: list[Declared] = field(default_factory=list)

    def declare(self, id: str | None, *, runner: str | None, **options: Any) -> Callable[[F], F]:
        """Declare the function that is decorated. Raises OptionError for an id that was declared before."""
        to_pairs(options)  # a name that is no option is a mistake of this line, not of one far away

        def decorate(function: F) -> F:
            if runner is not None:
                _check_importable(function)
            name = id or _id_of(function)
            if any(one.id == name for one in self.declared):
                raise OptionError(f"two functions are declared as the job {name!r}: give one another id")
            self.declared.append(Declared(name, function, runner, options))
            return function

        return decorate

    def runners(self) -> list[Runner]:
        """The runners of functions that run in this process. Raises OptionError when there are none."""
        found = [function_runner(one.id, one.function) for one in self.declared if one.runner is None]
        if not found:
            raise OptionError("no function is declared to run here: decorate one with @board.job(every=…)")
        return found


def function_runner(name: str, function: Function) -> Runner:
    """Make a runner of a function: of no parameter, one (the payload), or two (the task and its context)."""
    parameters = len(inspect.signature(function).parameters)

    def run(task: Task, context: Context) -> Outcome:
        arguments = {0: (), 1: (task.payload,)}.get(parameters, (task, context))
        result: Any = function(*arguments)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        return result if isinstance(result, Outcome) else Outcome.done(str(result or ""))

    return Runner(name, run)


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
