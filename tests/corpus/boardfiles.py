"""Board files: YAML and TOML that cannot be read, wrong types, unknown keys, and jobs that no board takes."""

from __future__ import annotations

from tests.corpus import Bad

JOB = "{runner: console, payload: x"

YAML: list[tuple[str | bytes, str]] = [
    ("", ""),
    ("5", ""),
    ("[]", ""),
    ("jobs", ""),
    ("jobs: 5", "jobs"),
    ("jobs: []", "jobs"),
    ("jobs:\n\ta: 5", "tab"),
    ("jobs: {a: }", "a"),
    ("jobs: {a: 5}", "a"),
    ("jobs: {a: []}", "a"),
    ("jobs: {a: {}}", "payload"),
    ("jobs: {a: {runner: console}}", "payload"),
    ("jobs: {a: {payload: x}}", "runner"),
    ("jobs: {a: {runner: nope, payload: x}}", "nope"),
    ("jobs: {a: {runner: 5, payload: x}}", "runner"),
    ("jobs: {a: {runner: [console], payload: x}}", "runner"),
    ("jobs: {a: {runner: console, payload: x, evry: 5}}", "evry"),
    ("jobz: {}", "declares no jobs"),
    ("jobs: {a: {runner: console, payload: x}}\nextra: 1", "extra"),
    ("jobs: {a: {runner: console, payload: x", ""),
    ("jobs: {a: {runner: console, payload: x}}}", ""),
    ("jobs:\n  a: {runner: console, payload: x}\n  a: {runner: console, payload: y}", "a"),
    ("jobs: {'a b': {runner: console, payload: x}}", "id"),
    ("jobs: {'a,b': {runner: console, payload: x}}", "id"),
    ("jobs: {'': {runner: console, payload: x}}", "id"),
    ("jobs: {5: {runner: console}}", ""),
    (b"jobs: {a: {runner: console, payload: '\xff'}}", "UTF-8"),
    (b"\xff\xfe\x00", "UTF-8"),
    ("jobs: &a {x: *a}", ""),
    ("jobs: *nope", ""),
    ("jobs: !!python/object/apply:os.system [s3cret]", ""),
    ("include: [/etc/shadow]", "include"),
    ("include: ../../etc/passwd", "include"),
    ("include: nope.yml", "nope.yml"),
    ("include: 5", "include"),
    ("include: ['']", "include"),
    ("jobs: {}\ndefaults: 5", "defaults"),
    ("jobs: {}\ndefaults: {evry: 5}", "evry"),
    ("board: 'a b'\njobs: {}", "board"),
    ("name: [5]\njobs: {}", "name"),
    ("name: ''\njobs: {}", "name: expected a name, got ''"),
    ("name: ' '\njobs: {}", "name: expected a name"),
    ('name: "a\\eb"\njobs: {}', "name: expected a name without control characters"),
    ("name:\njobs: {}", "name"),
    ("version: 99\njobs: {}", "version"),
    ("jobs: {a: " + JOB + ", cron: */5 * * * *}}", ""),
    ("jobs:\n  a:\n    runner: console\n    payload: x\n    cron: */5 * * * *", "quotes"),
    ("jobs: {a: " + JOB + ", after: a}}", "a"),
    ("jobs: {a: " + JOB + ", after: b}, b: " + JOB + ", after: a}}", "cycle"),
    ("jobs: {a: {runner: shell, payload: {lines: s3cret}}}", "unknown key 'lines' (did you mean 'line'?)"),
    ("jobs: {a: {runner: shell, payload: {line: s3cret, timeout: 1}}}", "--timeout"),
    ("jobs: {a: {runner: http, payload: 's3cret'}}", "url"),
    ("jobs: {a: {runner: console, payload: '${NOPE_NOT_SET}'}}", "NOPE_NOT_SET"),
    ("jobs: {a: " + JOB + ", every: 5, cron: '@daily'}}", ""),
    ("jobs: {a: " + JOB + ", zone: Europe/Brusels, cron: '@daily'}}", "zone"),
    ("[" * 3000, ""),
    ("jobs: {a: {runner: console, payload: " + "[" * 3000 + "]" * 3000 + "}}", ""),
]

VALUES = {
    "every": ("x", "-5", "true", "[5]", "{a: 5}", "1h1h"),
    "cron": ("'5'", "'60 * * * *'", "5", "[x]"),
    "at": ("x", "true", "2026-13-01"),
    "timeout": ("x", "false", "-1"),
    "attempts": ("x", "-1", "1.5", "true"),
    "priority": ("10", "x", "1.5"),
    "backoff": ("x", "'linear'", "[{}]"),
    "rate": ("5", "x", "'0/1m'"),
    "overlap": ("x", "true"),
    "misfire": ("x", "5"),
    "retry-on": ("''", "{a: 5}"),
    "after": ("''", "['p,q']", "{a: b}", "true"),
    "queue": ("'a b'", "[x]"),
    "policy": ("nope", "[x]"),
    "paused": ("5", "x"),
    "description": ("[5]", "{a: 5}"),
}

TOML: list[tuple[str, str]] = [
    ("jobs = 5", "jobs"),
    ("[jobs.a]", "payload"),
    ("[jobs.a]\nrunner = 5\npayload = 'x'", "runner"),
    ("[jobs.a]\nrunner = 'console'", "payload"),
    ("[jobs.a]\nrunner = 'console'\npayload = 'x'\nevery = true", "every"),
    ("[jobs.a]\nrunner = 'console'\npayload = 'x'\nevery = [5]", "every"),
    ("[jobs.a]\nrunner = 'console'\npayload = 'x'\nevry = 5", "evry"),
    ("[jobs.a\nrunner = 'console'", ""),
    ("[jobs.a]\nrunner = console", ""),
    ("[jobs.a]\nrunner = 'console'\nrunner = 'shell'", ""),
    ("[jobs.a]\nrunner = 'console'\npayload = 'x'\nat = 25:00:00", ""),
    ("= 5", ""),
    ("name = ''\n[jobs]", "name: expected a name"),
]

CASES = [
    *(Bad("board check FILE", says, files={"board.yml": text}) for text, says in YAML if says),
    *(Bad("board apply FILE", says, files={"board.yml": text}) for text, says in YAML if says),
    *(Bad("board diff FILE", "", files={"board.yml": text}) for text, says in YAML if not says and text),
    *(
        Bad(f"board {command} FILE", name, files={"board.yml": f"jobs: {{a: {JOB}, {name}: {value}}}}}"})
        for command in ("check", "apply")
        for name, values in VALUES.items()
        for value in values
    ),
    *(Bad("board check FILE", says, files={"board.toml": text}) for text, says in TOML),
    *(Bad("board apply FILE", says, files={"board.toml": text}) for text, says in TOML),
    *(Bad(f"board {command} FILE", "missing") for command in ("check", "apply", "diff")),
    *(Bad(f"board {command} DIR", "") for command in ("check", "apply", "diff")),
    *(Bad(("board", "apply", name), "") for name in ("", "/dev/null/x", "a\udcff.yml")),
    Bad(("board", "export", "/nope/board.yml"), "/nope/board.yml"),
    Bad("up FILE", "jobs", files={"board.yml": "jobs: 5"}),
    Bad("up FILE --watch", "missing"),
]
