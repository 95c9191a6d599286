"""The place of a function: region, profile, endpoint and role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from jobs_core import OptionError, PayloadError

HOSTS = (
    *("lambda.*.amazonaws.com", "lambda-fips.*.amazonaws.com", "*.lambda.*.vpce.amazonaws.com"),
    *("lambda.*.api.aws", "lambda-fips.*.api.aws", "lambda.*.amazonaws.com.cn", "lambda.*.amazonaws.eu"),
)
"""The hosts that payloads may use as endpoint by default: those of AWS Lambda.

Not all of `amazonaws.com` is allowed, because virtual machines of any customer have names there.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A region and how to reach it. If a field is None, boto3 chooses from its variables and files."""

    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None
    role: str | None = None


def read(payload: Mapping[str, Any], settings: Mapping[str, Any]) -> Place:
    """Return the place of a payload, with defaults from the settings. Raises PayloadError, OptionError.

    >>> read({"function": "arn:aws:lambda:eu-west-1:123456789012:function:f"}, settings).region
    'eu-west-1'
    """

    def choice(key: str) -> str | None:
        return payload.get(key) or settings[f"lambda_{key}"] or None

    common = settings["lambda_endpoint"]
    if common and not is_url(common):
        raise OptionError("lambda_endpoint: expected a URL that begins with http:// or https://")
    endpoint = choice("endpoint")
    if reason := refusal(payload, settings):
        raise PayloadError(reason)
    region = payload.get("region") or _region(payload["function"]) or choice("region")
    return Place(region, choice("profile"), endpoint, choice("role"))


def is_url(text: str) -> bool:
    """Whether the text is a valid http or https URL."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def refusal(payload: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return why a payload may not use its endpoint, and the setting. Empty if it may, or has none."""
    endpoint, common = payload.get("endpoint"), settings["lambda_endpoint"]
    host = urlsplit(endpoint or "").hostname or ""
    if not endpoint or endpoint == common or _is_allowed(host, settings["lambda_hosts"]):
        return ""
    return (
        f"endpoint: the setting lambda_hosts does not let payloads use the host {host}. "
        f"Set it on the worker: JOBS_LAMBDA_HOSTS={host} (which replaces the hosts of AWS)"
    )


def _is_allowed(host: str, allowed: Iterable[str]) -> bool:
    return any(fnmatchcase(host, pattern.lower()) for pattern in allowed)


def _region(function: str) -> str | None:
    """Return the region of a function's ARN; None for a name or a partial ARN."""
    parts = function.split(":")
    return parts[3] or None if parts[0] == "arn" and len(parts) > 4 else None
