"""The public Board: the client, and the functions that this process runs as jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Unpack, overload

from jobs_core.client.author import signature
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
        """Declare a function as a job. The decorator returns the function unchanged.

        `respond()` puts the job and runs the function in this process. With a runner, `put_declared()` puts
        the job, and any worker with that runner runs it.

        Args:
            id: The job's id. The default is the module and the name of the function.
            runner: A runner whose payload is an import path, such as `python`. Its workers must be able to
                import the module. The default is to run the function in this process.
            options: The options of `put`.

        Raises:
            OptionError: An option or the function is invalid, or another function has the same id.

        >>> @board.job(cron="0 3 * * *", zone="Europe/Brussels")
        ... def report() -> str:
        ...     return "12 pages"
        """
        return self.functions.job(id, runner=runner, **options)

    def put_declared(self) -> dict[str, datetime | None]:
        """Put the jobs declared with `job`. Raises the errors of `put`.

        Returns:
            The next runs by job id. None means that no run is scheduled.
        """
        return {
            one.id: as_time(self.commands.call(name, *arguments, *signature(self.by)))
            for one in self.functions.declared
            for name, arguments in [one.call(self.calls.put)]
        }

    def respond(
        self, queue: str | None = None, function: Function | None = None, **options: Unpack[WorkerOptions]
    ) -> None:
        """Run `function` for each task of a queue, or run all functions declared with `job`.

        On the main thread, this method returns after SIGTERM or Ctrl-C. On another thread, it returns after
        `close`.

        A function's parameters named `task` and `context` receive the Task and the Context. Another parameter
        receives the payload. A function may return an Outcome, a note or nothing. An exception is a failure.

        Args:
            queue: The queue to serve, and the name of the runner.
            function: The function to call for each task.
            options: The options of `Worker`.

        Raises:
            OptionError: There is no function to run, or an option is invalid.
            ServerError: Redis cannot be reached.
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
