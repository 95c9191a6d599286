"""Signatures according to Standard Webhooks: `v1`, an HMAC-SHA256 of id, timestamp and body."""

from __future__ import annotations

import base64
import hashlib
import hmac

PREFIX = "whsec_"


def keys(secret: str) -> list[bytes]:
    """Return the keys of a secret: `whsec_` followed by base64. Spaces separate several, for key rotation.

    Raises ValueError with a message that does not quote the secret.
    """
    found = [_key(word) for word in secret.split()]
    if not found or not all(found):
        raise ValueError("the secret has no key")
    return found


def _key(word: str) -> bytes:
    text = word.removeprefix(PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("the secret is not base64") from None


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header `webhook-signature`. `timestamp` is in epoch seconds."""
    signed = f"{id}.{timestamp}.".encode() + body
    digests = [hmac.digest(key, signed, hashlib.sha256) for key in keys(secret)]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
