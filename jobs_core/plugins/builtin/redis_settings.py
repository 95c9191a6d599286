"""The settings of the connection to Redis."""

from __future__ import annotations

from jobs_core.contract import Setting

CONNECT = Setting("socket_connect_timeout", 5.0, "Seconds to wait for a connection to Redis")
PASSWORD_FILE = Setting(
    "redis_password_file", None, "File with the password of Redis, read at each connection"
)
PASSWORD_COMMAND = Setting(
    "redis_password_command", None, "Command that prints the password of Redis: vault read …"
)
TLS_CA = Setting("redis_tls_ca", None, "File with the certificate authorities of Redis, for rediss://")
TLS_CERT = Setting("redis_tls_cert", None, "File with this client's certificate, for mutual TLS")
TLS_KEY = Setting("redis_tls_key", None, "File with the key of that certificate")
ANSWER = Setting("socket_timeout", 5.0, "Seconds to wait for an answer of Redis")

TLS = {TLS_CA: "ssl_ca_certs", TLS_CERT: "ssl_certfile", TLS_KEY: "ssl_keyfile"}
"""The settings of TLS, and the parameters of a URL that come before them."""
