"""Send a task's request, follow redirects, read the answer, and say how it went."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from jobs_core import Context, Outcome, StoppedError, Task
from jobs_http import hops
from jobs_http.answer import Answer, outcome
from jobs_http.connect import adapter
from jobs_http.errors import Trouble
from jobs_http.guard import Guard
from jobs_http.hops import Hop
from jobs_http.request import Request
from jobs_http.watch import Watch, watching

CHUNK = 64 * 1024
"""Bytes read at once."""

SPARE = 16 * 1024
"""Bytes of an answer that are read though nobody wants them: after its end the connection is used again."""


def execute(request: Request, task: Task, context: Context, guard: Guard) -> Outcome:
    """Make a request; its outcome is done if the answer's status is one that it expects.

    >>> execute(request, task, context, Guard()).code
    '200'
    """
    started = time.monotonic()
    with watching(context, guard) as watch:
        try:
            with _explained(watch):
                answer = Exchange(request, task, watch, started).answer()
        except StoppedError:
            seconds = time.monotonic() - started
            return context.stop_outcome(f"after {seconds:.2f} s", seconds=round(seconds, 3))
        except Trouble as trouble:
            note = f"{trouble} after {time.monotonic() - started:.2f} s"
            return Outcome.failed(note, code=trouble.code, seconds=round(time.monotonic() - started, 3))
    return outcome(answer, request, task)


class Exchange:
    """A request and its redirects, on one thread. `started` is in seconds of the monotonic clock."""

    def __init__(self, request: Request, task: Task, watch: Watch, started: float) -> None:
        self._request = request
        self._task = task
        self._watch = watch
        self._started = started

    def answer(self) -> Answer:
        """The answer to the last of them. Raises Trouble, StoppedError, or what requests raises."""
        hop = hops.first(self._request)
        for _ in range(self._request.redirects + 1):
            with self._send(hop) as response:
                location = response.headers.get("location")
                if not self._leads_on(response.status_code, location):
                    return self._read(response)
                assert location is not None
                self._take(response, 0)
                hop = hops.follow(hop, response.url, response.status_code, location)
        raise Trouble("redirect", f"there were more than {self._request.redirects} redirects")

    def _leads_on(self, status: int, location: str | None) -> bool:
        """Whether an answer is a redirect to follow: not if its status is what the payload expects."""
        wanted = status in hops.REDIRECTING and not self._request.expects(status)
        return wanted and location is not None and self._request.redirects > 0

    def _send(self, hop: Hop) -> requests.Response:
        """Send a request; once more if the connection was one that the target had closed meanwhile."""
        prepared = self._prepare(hop)
        try:
            return self._send_once(hop, prepared)
        except requests.ConnectionError as error:
            if type(error) is not requests.ConnectionError or self._watch.fresh:
                raise
        return self._send_once(hop, prepared)

    def _prepare(self, hop: Hop) -> requests.PreparedRequest:
        headers = hops.headers(hop, self._request, self._task)
        unprepared = requests.Request(
            hop.method, hop.url, headers=headers, data=hop.body or None, params=hop.query
        )
        try:
            return unprepared.prepare()
        except (ValueError, requests.RequestException, urllib3.exceptions.HTTPError):
            if hop.redirected:
                raise Trouble("redirect", "it was redirected to what is no URL") from None
            raise Trouble("payload", "the key 'url' is no URL") from None

    def _send_once(self, hop: Hop, prepared: requests.PreparedRequest) -> requests.Response:
        watch, request = self._watch, self._request
        watch.fresh = False
        return adapter(watch.guard).send(
            prepared,
            stream=True,
            timeout=(watch.within(request.connect), watch.within(request.read)),
            verify=request.verify,
            cert=request.cert if hop.home else None,
        )

    def _read(self, response: requests.Response) -> Answer:
        body, truncated = self._take(response, self._request.limit)
        return Answer(
            response.status_code,
            time.monotonic() - self._started,
            body,
            truncated,
            response.headers.get("content-type", ""),
            response.headers.get("retry-after", ""),
        )

    def _take(self, response: requests.Response, limit: int) -> tuple[bytes, bool]:
        """So many bytes of an answer, and whether there are more. Little more than these are read."""
        wanted = max(limit, SPARE) + 1
        data = bytearray()
        while len(data) < wanted:
            chunk = response.raw.read1(min(CHUNK, wanted - len(data)), decode_content=True)
            self._watch.check()
            if not chunk:
                break
            data += chunk
        return bytes(data[:limit]), len(data) > limit


@contextmanager
def _explained(watch: Watch) -> Iterator[None]:
    """Say in our words what requests and urllib3 raise: theirs quote URLs."""
    try:
        yield
    except (Trouble, StoppedError):
        raise
    except Exception as error:
        if watch.context.stop_reason:
            raise StoppedError from None
        raise _trouble(error) from None


def _trouble(error: Exception) -> Trouble:
    match error:
        case requests.exceptions.SSLError() | urllib3.exceptions.SSLError() | ssl.SSLError():
            return Trouble("tls", f"TLS failed: {_tls_words(error)}")
        case requests.ConnectTimeout():
            return Trouble("timeout", "no connection stood in time")
        case requests.Timeout() | urllib3.exceptions.TimeoutError() | TimeoutError():
            return Trouble("timeout", "no answer came in time")
        case urllib3.exceptions.DecodeError():
            return Trouble("connect", "the answer's encoding is broken")
        case requests.RequestException() | urllib3.exceptions.HTTPError():
            return Trouble("connect", "the connection broke before the answer was complete")
        case OSError():  # what requests raises for a file that is not there
            return Trouble("tls", "a file that the key 'verify' or 'cert' names cannot be read")
    return Trouble("error", f"an error that nobody foresaw: {type(error).__name__}")


def _tls_words(error: BaseException) -> str:
    """Why a certificate was refused, without the name in it."""
    seen: list[BaseException] = [error]
    for each in seen:
        if isinstance(each, ssl.SSLCertVerificationError):
            return each.verify_message.split(",")[0]
        if isinstance(each, ssl.SSLError) and each.reason:
            return each.reason.lower().replace("_", " ")
        found = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        seen += [other for other in found if isinstance(other, BaseException) and other not in seen]
    return "the handshake did not succeed"
