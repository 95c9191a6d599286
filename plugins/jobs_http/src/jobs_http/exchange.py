"""Send a task's request, follow redirects and return the outcome."""

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
from jobs_http.errors import Refusal, RequestFailed, Shortage
from jobs_http.guard import Guard
from jobs_http.hops import Hop
from jobs_http.request import Request
from jobs_http.watch import Watch, watching

CHUNK = 64 * 1024
"""Bytes read at once."""

DRAIN_LIMIT = 16 * 1024
"""Bytes of a response that are read and discarded, so that the connection can be reused."""


def execute(request: Request, task: Task, context: Context, guard: Guard) -> Outcome:
    """Send a request and return its outcome: done if the response has an expected status.

    >>> execute(request, task, context, Guard()).code
    '200'
    """
    started = time.monotonic()
    with watching(context, guard) as watch:
        exchange = Exchange(request, task, watch, started)
        try:
            with _translated_errors(watch):
                answer = exchange.answer()
        except StoppedError:
            seconds = time.monotonic() - started
            return context.stop_outcome(f"after {seconds:.2f} s", seconds=round(seconds, 3))
        except RequestFailed as trouble:
            if isinstance(trouble, Shortage) and not exchange.has_sent:
                return Outcome.not_started(str(trouble))
            seconds = time.monotonic() - started
            note = str(trouble) if isinstance(trouble, Refusal) else f"{trouble} after {seconds:.2f} s"
            return Outcome.failed(note, code=trouble.code, seconds=round(seconds, 3))
    return outcome(answer, request, task)


class Exchange:
    """A request and its redirects. `started` is in seconds of the monotonic clock."""

    def __init__(self, request: Request, task: Task, watch: Watch, started: float) -> None:
        self._request = request
        self._task = task
        self._watch = watch
        self._started = started
        self.has_sent = False
        """Whether the target has responded, if only with a redirect."""

    def answer(self) -> Answer:
        """Return the final response. Raises RequestFailed, StoppedError, or an exception of requests."""
        hop = hops.first(self._request)
        for _ in range(self._request.redirects + 1):
            with self._send(hop) as response:
                self.has_sent = True
                location = response.headers.get("location")
                if not self._is_redirect(response.status_code, location):
                    return self._read(response)
                assert location is not None
                self._take(response, 0)
                hop = hops.follow(hop, response.url, response.status_code, location)
        raise RequestFailed("redirect", f"more than {self._request.redirects} redirects")

    def _is_redirect(self, status: int, location: str | None) -> bool:
        """Whether to follow a redirect. A status that the payload expects is not followed."""
        wanted = status in hops.REDIRECTING and not self._request.expects(status)
        return wanted and location is not None and self._request.redirects > 0

    def _send(self, hop: Hop) -> requests.Response:
        """Send a request, again if the target had closed the reused connection."""
        prepared = self._prepare(hop)
        try:
            return self._send_once(hop, prepared)
        except requests.ConnectionError as error:
            if type(error) is not requests.ConnectionError or self._watch.fresh:
                raise
        return self._send_once(hop, prepared)

    def _prepare(self, hop: Hop) -> requests.PreparedRequest:
        headers = hops.headers(hop, self._request, self._task, self._watch.context.trace)
        unprepared = requests.Request(
            hop.method, hop.url, headers=headers, data=hop.body or None, params=hop.query
        )
        try:
            return unprepared.prepare()
        except (ValueError, requests.RequestException, urllib3.exceptions.HTTPError):
            if hop.redirected:
                raise RequestFailed("redirect", "the redirect has an invalid URL") from None
            raise RequestFailed("payload", "url: not a valid URL") from None

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
        """Read at most `limit` bytes of a response. Returns them and whether there are more."""
        wanted = max(limit, DRAIN_LIMIT) + 1
        data = bytearray()
        while len(data) < wanted:
            chunk = response.raw.read1(min(CHUNK, wanted - len(data)), decode_content=True)
            self._watch.check()
            if not chunk:
                break
            data += chunk
        return bytes(data[:limit]), len(data) > limit


@contextmanager
def _translated_errors(watch: Watch) -> Iterator[None]:
    """Translate exceptions of requests and urllib3, whose messages quote URLs."""
    try:
        yield
    except (RequestFailed, StoppedError):
        raise
    except Exception as error:
        if watch.context.stop_reason:
            raise StoppedError from None
        raise _trouble(error) from None


def _trouble(error: Exception) -> RequestFailed:
    match error:
        case requests.exceptions.SSLError() | urllib3.exceptions.SSLError() | ssl.SSLError():
            return RequestFailed("tls", f"TLS failed: {_tls_reason(error)}")
        case requests.ConnectTimeout():
            return RequestFailed("timeout", "no connection in time")
        case requests.Timeout() | urllib3.exceptions.TimeoutError() | TimeoutError():
            return RequestFailed("timeout", "no response in time")
        case urllib3.exceptions.DecodeError():
            return RequestFailed("connect", "the response has an invalid encoding")
        case requests.RequestException() | urllib3.exceptions.HTTPError():
            return RequestFailed("connect", "the connection closed before the response was complete")
        case OSError():  # requests raises it for a missing file
            return RequestFailed("tls", "verify or cert: cannot read the file")
    return RequestFailed("error", f"unexpected error: {type(error).__name__}")


def _tls_reason(error: BaseException) -> str:
    """Return why TLS failed, without names from the certificate."""
    seen: list[BaseException] = [error]
    for each in seen:
        if isinstance(each, ssl.SSLCertVerificationError):
            return each.verify_message.split(",")[0]
        if isinstance(each, ssl.SSLError) and each.reason:
            return each.reason.lower().replace("_", " ")
        found = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        seen += [other for other in found if isinstance(other, BaseException) and other not in seen]
    return "the handshake failed"
