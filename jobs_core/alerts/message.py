"""What the task of an alert tells: its facts, and texts made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobs_core.alerts.facts import Facts
from jobs_core.text import one_line
from jobs_core.types import NOTE, Payload, parse_payload
from jobs_core.values import nearest
from jobs_core.wording import duration_text, when

NAMES = (
    *("alert", "state", "subject", "reason", "job", "task", "queue", "worker", "code", "note", "count"),
    *("since", "at", "why", "output", "url", "text"),
)
"""The names that stand in braces in the payload of an alert."""

_SOME_NAME = re.compile(r"(?<![${])\{([A-Za-z_]+)\}(?!\})")
"""What looks like a name in braces: neither a variable of a shell, nor doubled."""

_PLACEHOLDER = re.compile(r"\{(\{?)(" + "|".join(NAMES) + r")\}(\}?)")

LINES = 20
"""The most lines of output that a message has."""

Quote = Callable[[str, str, str], str]
"""Makes a value safe for the part of a payload it stands in: `quote(value, key, before)`.

The key is that of the JSON object, at its top, or the short form's. `before` is the text before the value,
with other names in braces. In a list, the items before it come first, each with a NUL at its end.
"""

QuoteText = Callable[[str, str], str]
"""Makes a value safe for one text: `quote(value, before)`."""


def _as_is(value: str, before: str) -> str:
    return value


class Message:
    """What an alert tells.

    `why` and `output` ask the board, so they are called only for a text that has them, and once.

    >>> message.fill("{job} {reason}")
    'backup has failed 3 times in a row'
    """

    def __init__(
        self,
        facts: Facts,
        *,
        why: Callable[[], str] = lambda: "",
        output: Callable[[], str] = lambda: "",
        url: str = "",
    ) -> None:
        self.facts = facts
        """The facts."""
        self.url = url
        """The link to the page about it; empty without the setting `web_url`."""
        self._ask = {"why": why, "output": output}
        self._known: dict[str, str] = {}

    def value(self, name: str) -> str:
        """Return what stands for a name in braces, one of NAMES. What is not known is empty."""
        if name in self._ask:
            if name not in self._known:
                self._known[name] = self._ask[name]()
            return self._known[name]
        if name in ("since", "at"):
            return when(getattr(self.facts, name))
        if name in ("url", "text"):
            return str(getattr(self, name))
        found = getattr(self.facts, name)
        return str(found) if found else ""

    def fill(self, text: str, quote: QuoteText = _as_is) -> str:
        """Replace the names in braces. `{{job}}` stands for `{job}` itself, and other braces stay.

        Args:
            text: The text.
            quote: Makes a value safe for the text.
        """

        def replace(match: re.Match[str]) -> str:
            doubled, name, end = match.groups()
            if doubled and end:
                return "{" + name + "}"
            opened = "{" if doubled else ""
            return opened + quote(self.value(name), text[: match.start()] + opened) + end

        return _PLACEHOLDER.sub(replace, text)

    def fill_payload(self, raw: str, short: str | None, quote: Quote | None) -> Payload:
        """Return a payload with the names replaced: in each text of a JSON object, else in the whole.

        What was a string stays one, or the text of the short form, whatever is filled in.

        Args:
            raw: The payload as stored.
            short: The key that a string payload stands for.
            quote: Makes a value safe for where it stands.
        """
        payload = parse_payload(raw)
        if isinstance(payload, str):
            filled = self.fill(raw, _quote_for(quote, short or ""))
            return filled if short is None else {short: filled}
        return {key: self._fill_value(value, _quote_for(quote, key)) for key, value in payload.items()}

    def _fill_value(self, value: Any, quote: QuoteText) -> Any:
        if isinstance(value, str):
            return self.fill(value, quote)
        if isinstance(value, list):
            return [
                self._fill_value(item, _quote_in_list(quote, value[:at])) for at, item in enumerate(value)
            ]
        if isinstance(value, Mapping):
            return {key: self._fill_value(item, quote) for key, item in value.items()}
        return value

    @property
    def text(self) -> str:
        """Everything that is known, for people: the subject, then the details."""
        return f"{self.facts.subject}\n\n{self.details}"

    @property
    def details(self) -> str:
        """What is known beside the subject: when, the task, code and note, why, the output, a link."""
        facts = self.facts
        lines = [_line("When", when(facts.at))]
        if facts.at - facts.since >= 1:
            lines.append(_line("Since", f"{when(facts.since)} ({duration_text(facts.at - facts.since)})"))
        lines += [
            _line(name, value)
            for name, value in (("Task", facts.task), ("Code", facts.code), ("Note", facts.note))
            if value
        ]
        if facts.more:
            lines.append(_line("More", f"{facts.more:,} more since it was told last"))
        if facts.state == "firing":
            lines += [_line("Why", why)] if (why := self.value("why")) else []
            lines += ["", *output.splitlines()[-LINES:]] if (output := self.value("output")) else []
        lines += ["", self.url] if self.url else []
        return "\n".join(lines) + "\n"


class _Check(Message):
    """Fills in, and refuses names that are misspelled. Others in braces may be meant: `awk '{print}'`."""

    def fill(self, text: str, quote: QuoteText = _as_is) -> str:
        for name in _SOME_NAME.findall(text):
            if name not in NAMES and (hint := nearest(name.lower(), NAMES)):
                raise ValueError(f"there is no name {{{name}}}{hint}")
        return super().fill(text, quote)


def check_filled(short: str | None, quote: Quote | None, raw: str) -> None:
    """Check that values can be filled into a payload wherever it has names. Raises ValueError."""
    _Check(Facts("x", "test", "firing", 0.0, 0.0)).fill_payload(raw, short, quote)


def _line(name: str, value: str) -> str:
    return f"{name + ':':8}{one_line(value, NOTE)}"


def _quote_in_list(quote: QuoteText, earlier: Sequence[Any]) -> QuoteText:
    """Let a function know the items of a list before the one with the value."""
    told = "".join(f"{item}\0" for item in earlier)
    return lambda value, before: quote(value, told + before)


def _quote_for(quote: Quote | None, key: str) -> QuoteText:
    if quote is None:
        return _as_is
    chosen = quote
    return lambda value, before: chosen(value, key, before)
