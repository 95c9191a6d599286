"""What surrounds a command: JOBS_ variables, jobs.toml, the URL and the server behind it."""

from __future__ import annotations

from tests.corpus import Bad

URLS: list[tuple[str, str, int]] = [
    ("", "", 2),
    ("nope", "URL", 2),
    ("http://h/0", "URL", 2),
    ("redis:/h", "URL", 2),
    ("redis://", "URL", 2),
    ("redis://:s3cret@/0", "URL", 2),
    ("redis://h:port/0", "URL", 2),
    ("redis://h:99999/0", "URL", 2),
    ("redis://h/x", "URL", 2),
    ("redis://h/0/1", "URL", 2),
    ("redis://h/-1", "URL", 2),
    ("redis://h?foo=bar", "URL", 2),
    ("redis://h?socket_timeout=x", "URL", 2),
    ("redis://:s3cret/w#rd@h/0", "URL", 2),
    ("redis://u:s3cret@h:x@127.0.0.1:1/0", "127.0.0.1:1", 1),
    ("redis://h h/0", "URL", 2),
    ("unix://jobs.sock", "URL", 2),
    ("unix://", "URL", 2),
    ("rediss://h?ssl_cert_reqs=maybe", "URL", 2),
    ("redis://h?db=s3cret", "URL", 2),
    ("redis://:s3cret@127.0.0.1:1/0", "127.0.0.1:1", 1),
    ("unix:///nope/redis.sock", "/nope/redis.sock", 1),
    ("redis://[::1", "URL", 2),
]

FILES: list[tuple[str | bytes, str]] = [
    ("[settings", "jobs.toml"),
    ("= 5", "jobs.toml"),
    ("settings = 5", "settings"),
    (b"\xff\xfe", "jobs.toml"),
    ("[settings]\nlog_file_bytes = 'x'", "log_file_bytes"),
    ("[settings]\nhttp_secret = ['s3cret']", "http_secret"),
    ("[settings]\nhttp_allow = 5", "http_allow: expected a list, got 5"),
    ("[settings]\nlog_file_keep = true\nlog_file_keep = 5", "jobs.toml"),
]

VARIABLES: list[tuple[str, str, str]] = [
    ("settings", "JOBS_LOG_FILE_BYTES", "x"),
    ("settings", "JOBS_LOG_FILE_KEEP", "1.5"),
    ("settings", "JOBS_BREAKER_FAILURES", "x"),
    ("settings", "JOBS_BREAKER_PAUSE", "x"),
    ("settings", "JOBS_BREAKER_PAUSE", "nan"),
    ("settings", "JOBS_BREAKER_PAUSE", "inf"),
    ("settings", "JOBS_CLOUDWATCH_BUFFER", "x"),
    ("settings", "JOBS_CLOUDWATCH_RETENTION", "x"),
    ("settings", "JOBS_CLOUDWATCH_EVERY", "x"),
    ("list", "JOBS_SOCKET_TIMEOUT", "x"),
    ("list", "JOBS_SOCKET_TIMEOUT", "-1"),
    ("list", "JOBS_SOCKET_TIMEOUT", "nan"),
    ("list", "JOBS_SOCKET_CONNECT_TIMEOUT", "0"),
    ("list", "JOBS_SOCKET_CONNECT_TIMEOUT", "x"),
    ("list", "JOBS_BOARD", "a b"),
    ("list", "JOBS_BOARD", "{a}"),
    ("put a console x", "JOBS_BOARD", "a\x1bb"),
    ("run --log file", "JOBS_LOG_FILE_FORMAT", "x"),
    ("run --log file", "JOBS_LOG_FILE", "/dev/null/x.log"),
]

CASES = [
    *(Bad(("list", "--url", url), says, code) for url, says, code in URLS if url),
    *(
        Bad("put a console x", says, code, variables={"JOBS_REDIS_URL": url})
        for url, says, code in URLS
        if url
    ),
    *(Bad("doctor", says, code, variables={"JOBS_REDIS_URL": url}) for url, says, code in URLS[1:12]),
    *(
        Bad("settings", says, files={"jobs.toml": text}, variables={"JOBS_CONFIG": "DIR/jobs.toml"})
        for text, says in FILES
    ),
    Bad("settings", "nope.toml", variables={"JOBS_CONFIG": "/nope.toml"}),
    *(
        Bad(words, name if "BOARD" not in name and "FILE" not in name else "", variables={name: value})
        for words, name, value in VARIABLES
    ),
    Bad("put a nope x", "runner", variables={"JOBS_DISABLE_PLUGINS": "shell,http"}),
    Bad("put a shell x", "runner", variables={"JOBS_DISABLE_PLUGINS": "shell"}),
    Bad("run --runner shell", "runner", variables={"JOBS_DISABLE_PLUGINS": "shell"}),
    Bad("--no-plugins put a shell x", "runner"),
    Bad("--no-plugins run --allow a:*", "python_allow"),
]
