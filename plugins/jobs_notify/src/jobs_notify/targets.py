"""The targets that the worker's settings have: a name stands for URLs of services and mail addresses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from jobs_core import OptionError, PayloadError
from jobs_notify.payload import MAILTO, domain_of, read_address, words

_NEXT = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*:)")
"""What stands between two URLs of a text."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31}):")


@dataclass(frozen=True, slots=True)
class Destination:
    """One place to send to. `label` names it without a secret, and `url` may have one.

    `address` is the mail address, if it is sent by the mail server of the settings.
    """

    label: str
    url: str = field(repr=False)
    address: str = ""


def destinations(payload: Any, settings: Mapping[str, Any]) -> list[Destination]:
    """Return where a payload is to be sent.

    Raises:
        PayloadError: There is no such target, or an address may not be mailed to.
        OptionError: A setting is invalid.
    """
    found: dict[str, Destination] = {}
    for word in words(payload):
        if word.startswith(MAILTO):
            address = read_address(word)
            require_domain(address, settings)
            found[address] = Destination(address, word, address)
        else:
            found |= {one.label: one for one in target(word, settings)}
    return list(found.values())


def target(name: str, settings: Mapping[str, Any]) -> list[Destination]:
    """Return what a name stands for. Raises PayloadError or OptionError."""
    table = settings.get("notify") or {}
    value = table.get(name.lower().replace("-", "_"))
    if value is None:
        known = f": it has {', '.join(sorted(table))}" if table else ""
        raise PayloadError(f"to: the setting notify of this machine has no target {name!r}{known}")
    urls = list(_urls(value))
    if not urls or not all(map(_SCHEME.match, urls)):
        raise OptionError(f"notify: expected URLs for the target {name!r}, such as slack://… or mailto:…")
    return list(_labeled(name, urls))


def _urls(value: Any) -> Iterator[str]:
    for text in value if isinstance(value, list) else [value]:
        yield from filter(None, map(str.strip, _NEXT.split(str(text).strip())))


def _labeled(name: str, urls: list[str]) -> Iterator[Destination]:
    """Label several URLs by their schemes: ops/slack, ops/mailto, ops/mailto-2."""
    seen: Counter[str] = Counter()
    for url in urls:
        scheme = kind_of(url)
        seen[scheme] += 1
        number = f"-{seen[scheme]}" if seen[scheme] > 1 else ""
        label = name if len(urls) == 1 else f"{name}/{scheme}{number}"
        is_mail = url.startswith(MAILTO) and not url.startswith(f"{MAILTO}//")
        yield Destination(label, url, _own_address(name, url) if is_mail else "")


def _own_address(name: str, url: str) -> str:
    try:
        return read_address(url)
    except PayloadError:
        raise OptionError(f"notify: the target {name!r} has an invalid mail address") from None


def kind_of(url: str) -> str:
    """Return the scheme of a URL, which names the service.

    >>> kind_of("slack://token")
    'slack'
    """
    found = _SCHEME.match(url)
    return found[1].lower() if found else "?"


def require_domain(address: str, settings: Mapping[str, Any]) -> None:
    """Raise PayloadError if payloads may not mail to an address, and OptionError without a mail server."""
    sender = domain_of(parseaddr(str(settings.get("notify_smtp_from") or ""))[1])
    if not settings.get("notify_smtp_host") or not sender:
        raise OptionError(
            "notify_smtp_host: there is no mail server here; set notify_smtp_host and notify_smtp_from"
        )
    allowed = [str(word).rstrip(".").lower() for word in settings.get("notify_mail_domains") or [sender]]
    domain = domain_of(address)
    if "*" not in allowed and not any(_is_within(domain, word) for word in allowed):
        raise PayloadError(
            f"to: the setting notify_mail_domains does not let payloads mail to {domain}. "
            f"Add it on the worker: JOBS_NOTIFY_MAIL_DOMAINS={','.join((*allowed, domain))}"
        )


def _is_within(domain: str, allowed: str) -> bool:
    """Return whether a domain is the allowed one; `*.example.com` allows those below example.com."""
    return domain.endswith(allowed[1:]) if allowed.startswith("*.") else domain == allowed
