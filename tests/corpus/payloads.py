"""Payloads that a runner refuses. None is ever quoted."""

from __future__ import annotations

import json
from typing import Any

from tests.corpus import Bad

URL = "https://example.com/s3cret"

PAYLOADS: list[tuple[str, Any, str]] = [
    ("shell", "", "line"),
    ("shell", {}, "set either 'line' or 'argv'"),
    ("shell", {"line": "s3cret", "argv": ["x"]}, "set either 'line' or 'argv'"),
    ("shell", {"line": 5}, "line: expected type string"),
    ("shell", {"line": ["s3cret"]}, "line: expected type string"),
    ("shell", {"argv": []}, "argv"),
    ("shell", {"argv": "s3cret"}, "argv: expected type array"),
    ("shell", {"argv": [5]}, "argv.0: expected type string"),
    ("shell", {"argv": ["-s3cret"]}, "argv: expected the name"),
    ("shell", {"argv": [""]}, "argv: expected the name"),
    ("shell", {"line": "s3cret", "timeout": 1}, "timeout is an option of the job: --timeout"),
    ("shell", {"line": "s3cret", "attempts": 1}, "attempts is an option of the job: --attempts"),
    ("shell", {"line": "s3cret", "retry_on": 1}, "retry-on is an option of the job: --retry-on"),
    ("shell", {"line": "s3cret", "every": 5}, "every is an option of the job: --every"),
    ("shell", {"lien": "s3cret"}, "did you mean 'line'?"),
    ("shell", {"line": "s3cret", "command": "x"}, "unknown key 'command', expected one of line, argv"),
    ("shell", {"line": "s3cret", "enviroment": {}}, "unknown key 'enviroment'"),
    ("shell", {"line": "s3cret", "user ": "x"}, "did you mean 'user'?"),
    ("shell", {"line": "s3cret", "env": []}, "env: expected type object"),
    ("shell", {"line": "s3cret", "env": {"A": 1}}, "env.A: expected type string"),
    ("shell", {"line": "s3cret", "env": {"A B": "s3cret"}}, "env: a variable name"),
    ("shell", {"line": "s3cret", "umask": "8"}, "umask"),
    ("shell", {"line": "s3cret", "umask": 22}, "umask: expected type string"),
    ("shell", {"line": "s3cret", "nice": "5"}, "nice: expected type integer"),
    ("shell", {"line": "s3cret", "nice": 99}, "nice"),
    ("shell", {"line": "s3cret", "grace": -1}, "grace"),
    ("shell", {"line": "s3cret", "grace": "5"}, "grace: expected type number"),
    ("shell", {"line": "s3cret", "limit": 1.5}, "limit: expected type integer"),
    ("shell", {"line": "s3cret", "callback": "yes"}, "callback: expected type boolean"),
    ("shell", {"argv": ["s3cret"], "shell": "/bin/sh"}, "shell: only valid with 'line'"),
    ("http", "", "url"),
    ("http", "s3cret", "url: expected http:// or https://"),
    ("http", "ftp://s3cret", "url: expected http:// or https://"),
    ("http", "file:///etc/s3cret", "url: expected http:// or https://"),
    ("http", "http://", "url: expected http:// or https://"),
    ("http", "http://a:port/s3cret", "url: not a valid URL"),
    ("http", "http://[s3cret/", "url: not a valid URL"),
    ("http", "http://a b/s3cret", "url: contains a character"),
    ("http", "http://a\\@s3cret/", "url: contains a character"),
    ("http", {"uri": URL}, "did you mean 'url'?"),
    ("http", {"url": 5}, "url: expected type string"),
    ("http", {"url": URL, "method": "get"}, "method"),
    ("http", {"url": URL, "methd": "GET"}, "did you mean 'method'?"),
    ("http", {"url": URL, "attempts": 5}, "attempts is an option of the job: --attempts"),
    ("http", {"url": URL, "timeout": 5}, "timeout: expected type array"),
    ("http", {"url": URL, "timeout": [1]}, "timeout"),
    ("http", {"url": URL, "body": "s3cret", "json": 1}, "set either 'body' or 'json'"),
    ("http", {"url": URL, "headers": ["s3cret"]}, "headers: expected type object"),
    ("http", {"url": URL, "headers": {"A B": "s3cret"}}, "headers: not a valid header name"),
    ("http", {"url": URL, "headers": {"A": "s3cret\n"}}, "headers: a value contains a line end"),
    ("http", {"url": URL, "headers": {"Content-Length": "s3cret"}}, "sets this header itself"),
    ("http", {"url": URL, "auth": {"bearer": "s3cret", "user": "u"}}, "auth: expected"),
    ("http", {"url": URL, "auth": {"bearr": "s3cret"}}, "auth: unknown key 'bearr' (did you mean 'bearer'?)"),
    ("http", {"url": URL, "auth": {"timeout": "s3cret"}}, "auth: unknown key 'timeout', expected one of"),
    ("http", {"url": URL, "secret": "whsec_s3cret!"}, "secret: expected whsec_"),
    ("http", {"url": URL, "expect": ["s3cret"]}, "expect: expected statuses"),
    ("http", {"url": URL, "redirects": -1}, "redirects"),
    ("lambda", "", "function"),
    ("lambda", "a s3cret", "function"),
    ("lambda", {"function": "f", "evnt": {}}, "did you mean 'event'?"),
    ("lambda", {"function": 5}, "function: expected type string"),
    ("lambda", {"function": "f", "endpoint": "s3cret"}, "endpoint: expected a URL"),
    ("lambda", {"function": "f", "region": "s3cret!"}, "region"),
    ("lambda", {"function": "f", "timeout": 5}, "timeout is an option of the job: --timeout"),
    ("python", "", "module:name"),
    ("python", "s3cret", "module:name"),
    ("python", "s3cret:", "module:name"),
    ("python", "a b:s3cret", "module:name"),
    ("python", "../s3cret:x", "module:name"),
    ("python", {"func": "a:b"}, "missing key function; unknown key 'func' (did you mean 'function'?)"),
    ("python", {"function": "a:b", "args": 5}, "args: expected type array"),
    ("python", {"function": "a:b", "kwargs": []}, "kwargs: expected type object"),
    ("python", {"args": []}, "missing key function"),
]


def raw(payload: Any) -> str:
    return payload if isinstance(payload, str) else json.dumps(payload)


DEEP = '{"line": ' + "[" * 3000 + "]" * 3000 + "}"

CASES = [
    *(Bad(("put", "a", runner, raw(payload)), says) for runner, payload, says in PAYLOADS),
    *(Bad(("push", runner, raw(payload)), says) for runner, payload, says in PAYLOADS[:60:2]),
    *(
        Bad(("edit", "tick", "--runner", runner, "--payload", raw(payload)), says)
        for runner, payload, says in PAYLOADS[::3]
    ),
    *(Bad((*words, DEEP), "nested too deep") for words in (("put", "a", "shell"), ("push", "shell"))),
    Bad(("put", "a", "console", "s3cret\ud800"), "payload"),
    Bad(("edit", "tick", "--payload", "s3cret\ud800"), "payload"),
]
