"""Crontabs whose lines are none, and ways to import that do not go."""

from __future__ import annotations

from tests.corpus import Bad

LINES: list[tuple[str | bytes, str]] = [
    ("nonsense", ":1"),
    ("* * * *", ":1"),
    ("* * * * *", ":1"),
    ("60 * * * * /srv/x", "minute"),
    ("* 24 * * * /srv/x", "hour"),
    ("* * 0 * * /srv/x", "day"),
    ("* * 32 * * /srv/x", "day"),
    ("* * * 13 * /srv/x", "month"),
    ("* * * * 8 /srv/x", "week"),
    ("* * * FOO * /srv/x", "month"),
    ("*/0 * * * * /srv/x", "minute"),
    ("5-1 * * * * /srv/x", "minute"),
    ("1,,2 * * * * /srv/x", "minute"),
    ("@nope /srv/x", "nickname"),
    ("@every /srv/x", ""),
    ("@daily", ":1"),
    ("CRON_TZ=Mars/Phobos\n@daily /srv/x", "Mars/Phobos"),
    ("TZ=\n@daily", ":2:"),
    ("@daily /srv/x\n60 * * * * /srv/y", ":2:"),
    (b"@daily /srv/\xff", "UTF-8"),
    (b"\xff\xfe@daily /srv/x", "UTF-8"),
    ("@daily /srv/x\n\n\n* * * * * ", ":4:"),
    ("# id: a,b\n@daily /srv/x", "id: expected a job id"),
    ("# id: a\n@daily /srv/x\n# id: a\n@daily /srv/y", "a"),
]

CASES = [
    *(Bad("import crontab FILE --user", says, files={"tab": text}) for text, says in LINES),
    *(Bad("import crontab FILE --user --dry-run", says, files={"tab": text}) for text, says in LINES[:16]),
    *(Bad("import crontab - --user", says, input=text) for text, says in LINES[:16]),
    Bad("import crontab FILE", "missing"),
    Bad("import crontab DIR", ""),
    Bad("import crontab /dev/zero", "/dev/zero"),
    Bad("import crontab FILE --system", ":1", files={"tab": "@daily"}),
    Bad("import crontab FILE --zone Mars/Phobos", "zone", files={"tab": "@daily /srv/x"}),
    Bad(("import", "crontab", "FILE", "--zone", ""), "zone", files={"tab": "@daily /srv/x"}),
    Bad(("import", "crontab", "FILE", "--prefix", "a b"), "", files={"tab": "@daily /srv/x"}),
    Bad(("import", "crontab", "FILE", "--prefix", "a,"), "", files={"tab": "@daily /srv/x"}),
    Bad("import crontab", "Missing argument"),
    Bad("board apply FILE", ":1", files={"x.crontab": "60 * * * * /srv/x"}),
]
