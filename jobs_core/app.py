"""Board as people import it: the client, and the functions that this process runs as jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Unpack, overload

from jobs_core.client.board import BoardClient
from jobs_core.client.functions import F, Function, function_runner
from jobs_core.engine.replies import as_time
from jobs_core.options import JobOptions
from jobs_core.worker.options import WorkerOptions
from jobs_core.worker.worker import Worker


class Board(BoardClient):
    __doc__ = BoardClient.__doc__

    @overload
    def job(self, id: F, /) -> F: ...

    @overload
    def job(
        self, id: str | None = None, *, runner: str | None = None, **options: Unpack[JobOptions]
    ) -> Callable[[F], F]: ...

    def job(self, id: Any = None, *, runner: str | None = None, **options: Any) -> Any:
        """Declare a function as a job: a decorator, which leaves the function as it is.

        `respond()` puts the job, and runs the function in this process. With a `runner` whose payload is an
        import path, as that of jobs-python is, any worker with that runner runs it, if it can import the
        module; `put_declared()` puts it. The id is that of the function, module and all, unless it is
        given. `options` are those of `put`.

        >>> @board.job(cron="0 3 * * *", zone="Europe/Brussels")
        ... def report() -> str:
        ...     return "12 pages"
        """
        return self.functions.job(id, runner=runner, **options)

    def put_declared(self) -> dict[str, datetime | None]:
        """Put the jobs that `job` has declared. Returns their next runs. Raises what `put` raises."""
        return {
            one.id: as_time(self.commands.call(name, *arguments))
            for one in self.functions.declared
            for name, arguments in [one.call(self.calls.put)]
        }

    def respond(
        self, queue: str | None = None, function: Function | None = None, **options: Unpack[WorkerOptions]
    ) -> None:
        """Run `function` for each task of a queue, or all functions that `job` has declared.

        It returns after SIGTERM or Ctrl-C; on a thread other than the main one, after `close`.

        A parameter that is named `task` or `context` gets these, another one the payload. A function may
        return an Outcome, or a note, or nothing; an exception is a failure. `options` are those of `Worker`.
        Raises OptionError when there is nothing to run.
        """
        if queue is not None and function is not None:
            runners = [function_runner(queue, function)]
        else:
            self.put_declared()
            runners = self.functions.runners()
        worker, ended = Worker(self, runners, **options), threading.Event()

        def stop() -> None:
            worker.stop()
            ended.wait()

        self._closing.append(stop)
        try:
            if threading.current_thread() is threading.main_thread():
                worker.run_until_signal()
            else:
                worker.run()
        finally:
            self._closing.remove(stop)
            ended.set()
