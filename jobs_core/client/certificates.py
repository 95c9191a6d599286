"""Check the files of TLS before anything connects, so that a mistake is told where it was made."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from jobs_core.errors import OptionError


def require_readable(options: Mapping[str, Any]) -> None:
    """Raise OptionError if a file among the options of a connection is no certificate, key or authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificate, authorities = options.get("ssl_certfile"), options.get("ssl_ca_certs")
    if certificate is not None:
        key, password = options.get("ssl_keyfile"), options.get("ssl_password") or ""
        try:
            context.load_cert_chain(certificate, key, password)
        except OSError as error:  # ssl.SSLError is one
            files = certificate if key is None else f"{certificate} and {key}"
            raise _unreadable(f"{files} are no certificate and its key", error, "redis_tls_cert") from None
    if authorities is not None:
        try:
            context.load_verify_locations(authorities)
        except OSError as error:
            raise _unreadable(f"{authorities} has no certificates", error, "redis_tls_ca") from None


def _unreadable(what: str, error: OSError, option: str) -> OptionError:
    # The words of OpenSSL say little more.
    is_content = isinstance(error, ssl.SSLError)
    reason = "they do not match, or have another format" if is_content else error.strerror
    sentence = f"The files for TLS are invalid: {what} ({reason}). Name files in the PEM format."
    return OptionError(sentence, option=option)
