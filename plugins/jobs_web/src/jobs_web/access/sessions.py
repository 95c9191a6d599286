"""Sessions that no server keeps: the cookie has all that is needed to check it.

A session has a name, when it ends, a proof, and an HMAC over these. The HMAC is keyed by the hash of the
token, as the board keeps it, so every server of the board can check it, and it ends with the token. Users of
Redis who may only read the board know that hash, but not the proof: so they cannot make a session.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

LIFETIME = 30 * 86400
"""Seconds for which a session lasts."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a cookie has it. Nothing in it is true until `is_signed`."""

    name: str
    ends: int
    proof: str
    signature: str

    def is_signed(self, key: bytes, now: float) -> bool:
        """Return whether the session was made with this key, and has not ended."""
        expected = _signature(_signed(self.name, self.ends, self.proof), key)
        return hmac.compare_digest(expected, self.signature) and now < self.ends


def new_session(name: str, proof: str, key: bytes, now: float) -> str:
    """Return the cookie of a new session."""
    signed = _signed(name, int(now) + LIFETIME, proof)
    return f"{signed}.{_signature(signed, key)}"


def read_session(cookie: str) -> Session | None:
    """Return the session in a cookie; None if the cookie has none."""
    try:
        name, ends, proof, signature = cookie.encode("ascii").decode().split(".")
        return Session(base64.urlsafe_b64decode(name).decode(), int(ends), proof, signature)
    except ValueError:
        return None


def cookie_name(board: str) -> str:
    """Return the name of the cookie. Servers of other boards on the same host use other names."""
    return f"jobs_{hashlib.sha256(board.encode()).hexdigest()[:12]}"


def _signed(name: str, ends: int, proof: str) -> str:
    return f"{base64.urlsafe_b64encode(name.encode()).decode()}.{ends}.{proof}"


def _signature(signed: str, key: bytes) -> str:
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
