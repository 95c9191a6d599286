"""What monitors are told about runs, as Healthchecks.io has it: URL/start, URL, URL/fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from jobs_core import Event, OptionError, PayloadError, Task
from jobs_http.payload import check_url

OPTION = "ping"

LINES, LINE, LARGEST = 100, 1_000, 10_000
"""Lines that tell of a failure, the characters of each, and of all."""

TASKS = 1_000
"""Tasks whose lines are kept at most."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A request to a monitor.

    Args:
        url: Where to. It may contain a secret.
        about: What is pinged, for people. Pings about the same stay in order.
        key: What identifies it, so that a monitor can recognize a second try.
        body: What to send, if anything.
    """

    url: str = field(repr=False)
    about: str
    key: str
    body: str = field(default="", repr=False)


def check_ping(url: object, name: str = OPTION) -> None:
    """Reject a URL that cannot be pinged. Raises OptionError, which does not quote it."""
    try:
        check_url(str(url))
    except PayloadError as error:
        raise OptionError(str(error).replace("url", name, 1), option=name) from None


def run_id(board: str, task: Task) -> str:
    """Return the UUID of a run, the same for each of its attempts.

    >>> run_id("jobs", task)
    'd0b9f8f5-6a5c-5b0e-9d3a-3f6a3c1d5e0f'
    """
    return str(uuid5(NAMESPACE_URL, f"jobs:{board}:{task.id}"))


def ping_url(url: str, end: str, run: str) -> str:
    """Return the URL that tells of the start or the end of a run.

    >>> ping_url("https://hc.example/abc?create=1", "/start", "d0b9")
    'https://hc.example/abc/start?create=1&rid=d0b9'
    """
    parts = check_url(url)
    query = "&".join(filter(None, (parts.query, urlencode({"rid": run}))))
    path = parts.path.rstrip("/") + end if end else parts.path
    return parts._replace(path=path, query=query, fragment="").geturl()


class Pings:
    """Turns the events of runs into pings.

    Each attempt pings the start. Only the end of the run pings success or failure: a retry does not. What is
    cancelled, given back, or finished by a call-back pings no end.

    Args:
        send: Takes the pings. It must be quick.
    """

    def __init__(self, send: Callable[[Ping], None]) -> None:
        self._send = send
        self._lines: dict[str, deque[str]] = {}

    def write(self, event: Event) -> None:
        """Ping for an event, if it calls for that."""
        task = event.task
        if task is None:
            return
        run = run_id(event.board, task)
        match event.kind:
            case "task.line":
                self._keep(run, event.data["line"])
            case "task.started":
                self._lines.pop(run, None)
                self._ping(run, task, "/start")
            case "task.finished" | "task.lost":
                self._end(run, event, task)
            case "trouble":
                pass
            case _:
                self._lines.pop(run, None)

    def _keep(self, run: str, line: str) -> None:
        if run not in self._lines and len(self._lines) >= TASKS:  # events that end a task may be left out
            del self._lines[next(iter(self._lines))]
        self._lines.setdefault(run, deque(maxlen=LINES)).append(line[-LINE:])

    def _end(self, run: str, event: Event, task: Task) -> None:
        lines = self._lines.pop(run, ())
        decision, outcome = event.decision, event.outcome
        if decision is None or outcome is None or decision.verb not in ("done", "dead"):
            return
        if decision.verb == "done" and (task.token or outcome.status == "done"):
            self._ping(run, task, "")
        else:
            self._ping(run, task, "/fail", _body(outcome.note, lines))

    def _ping(self, run: str, task: Task, end: str, body: str = "") -> None:
        key = f"{run}{end or '/done'}/{task.attempt}"
        url = ping_url(str(task.options[OPTION]), end, run)
        self._send(Ping(url, f"the monitor of the job {task.job!r}", key, body))


def _body(note: str, lines: Iterable[str]) -> str:
    """Return what a failure tells: the note, and the last lines of the output."""
    printed = "\n".join(lines)[-LARGEST:].encode(errors="replace").decode()
    return f"{note}\n\n{printed}".strip()
