"""What plugins run beside the worker of `jobs up`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from jobs_core.context import BoardLike
from jobs_core.errors import JobsError
from jobs_core.plugins.manager import Plugins


@contextmanager
def running_services(
    plugins: Plugins, board: BoardLike, options: Mapping[str, Any], report: Callable[[str], object]
) -> Iterator[None]:
    """Run the services of plugins during the `with` block. One that fails does not affect the others.

    Args:
        plugins: The plugins.
        board: The board of the worker.
        options: The options of `jobs up`, by name.
        report: Called with what a service says once it has started, and with why one failed.
    """
    with ExitStack() as stack:
        for name, function in plugins.implementations("jobs_services"):
            with _reported(name, report):
                for service in function(board=board, options=options) or ():
                    sentence = service.__enter__()
                    stack.callback(_stop, service, name, report)
                    if sentence is not None:
                        report(str(sentence))
        yield


def _stop(service: AbstractContextManager[Any], name: str, report: Callable[[str], object]) -> None:
    with _reported(name, report):
        service.__exit__(None, None, None)


@contextmanager
def _reported(name: str, report: Callable[[str], object]) -> Iterator[None]:
    """Report what a plugin raises: the sentence of an error of Jobs, else only its kind."""
    try:
        yield
    except JobsError as error:
        report(f"{name}: {error}")
    except Exception as error:
        report(f"the plugin {name!r} raised in jobs_services: {type(error).__name__}")
