"""The tokens of a board. Only hashes are kept, in the hash `{board}:web:tokens`."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

from jobs_core import BoardLike, ExistsError, NotFoundError, OptionError
from jobs_core.plugin_cli import redis_errors
from jobs_web.access.user import ROLES, Role, is_user_name

PREFIX = "jobs_"
"""How each token begins, so that scanners for leaked secrets find it."""

FRESH = 2.0
"""Seconds for which a server uses what it has read of the tokens."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as a board keeps it: nothing here lets anybody in.

    Args:
        name: Whose it is.
        role: What they may do.
        added: When it was added, in epoch seconds.
        sha256: The SHA-256 of the token, in hex.
        session_sha256: The SHA-256 of its `session_proof`, in hex.
    """

    name: str
    role: Role
    added: float
    sha256: str
    session_sha256: str


def session_proof(secret: str) -> str:
    """Return what shows in a session that its owner had the token. The token does not follow from it."""
    return hmac.new(secret.encode(), b"jobs-web session", hashlib.sha256).hexdigest()


def sha256(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class Tokens:
    """The tokens of a board in Redis. Its methods raise ServerError if Redis does not answer."""

    def __init__(self, board: BoardLike) -> None:
        self._client = board.client
        self._key = f"{board.keys.tag}:web:tokens"

    def add(self, name: str, role: Role) -> str:
        """Add a token. Returns it, this once.

        Raises:
            OptionError: The name is invalid.
            ExistsError: There is a token of this name.
        """
        if not is_user_name(name):
            raise OptionError("name: expected 1 to 256 bytes without control characters", option="name")
        if name in self.all():
            raise ExistsError(f"there is a token {name!r} already: remove it first")
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(name, role, time.time(), sha256(secret), sha256(session_proof(secret)))
        fields = asdict(token)
        del fields["name"]
        with redis_errors():
            self._client.hset(self._key, name, json.dumps(fields))
        return secret

    def remove(self, name: str) -> None:
        """Remove a token, which ends its sessions. Raises NotFoundError."""
        with redis_errors():
            if not self._client.hdel(self._key, name):
                raise NotFoundError(f"there is no token {name!r}: see `jobs web token list`")

    def all(self) -> dict[str, Token]:
        """Return the tokens by name. What cannot be read is left out."""
        with redis_errors():
            kept = cast("dict[str, str]", self._client.hgetall(self._key))
        read = (_token(name, text) for name, text in kept.items())
        return {token.name: token for token in read if token}


class KnownTokens:
    """The tokens of a board as a server knows them, read again every two seconds at most."""

    def __init__(self, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._read: tuple[float, dict[str, Token]] | None = None

    def all(self) -> dict[str, Token]:
        """Return the tokens by name. Raises ServerError."""
        now = self._clock()
        if self._read is None or now >= self._read[0] + FRESH:
            self._read = None
            self._read = now, self._tokens.all()
        return self._read[1]

    def by_secret(self, secret: str) -> Token | None:
        """Return the token that somebody shows; None if there is no such token. Raises ServerError."""
        digest, found = sha256(secret), None
        for token in self.all().values():
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found


def _token(name: str, text: str) -> Token | None:
    try:
        fields: dict[str, Any] = json.loads(text)
        token = Token(name=name, **fields)
    except (ValueError, TypeError):
        return None
    hashes = (token.sha256, token.session_sha256)
    is_whole = token.role in ROLES and all(isinstance(found, str) and found.isascii() for found in hashes)
    return token if is_whole else None
