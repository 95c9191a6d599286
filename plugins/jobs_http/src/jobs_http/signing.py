"""Signatures by the Standard Webhooks convention: `v1`, an HMAC-SHA256 of id, timestamp and body."""

from __future__ import annotations

import base64
import hashlib
import hmac

PREFIX = "whsec_"


def keys(secret: str) -> list[bytes]:
    """The keys of a secret: `whsec_` and base64; several, with spaces between, while one replaces another.

    Raises ValueError, which quotes nothing.
    """
    found = [_key(word) for word in secret.split()]
    if not found or not all(found):
        raise ValueError("there is no key in it")
    return found


def _key(word: str) -> bytes:
    text = word.removeprefix(PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("it is not base64") from None


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """The value of the header `webhook-signature`; the timestamp is in epoch seconds."""
    signed = f"{id}.{timestamp}.".encode() + body
    digests = [hmac.digest(key, signed, hashlib.sha256) for key in keys(secret)]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
