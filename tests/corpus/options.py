"""Options of jobs and tasks: values of every kind, in each command that takes them."""

from __future__ import annotations

from tests.corpus import Bad

PUT = ("put", "a", "console", "x")
CREATE = ("create", "a", "console", "x")
EDIT = ("edit", "tick")
PUSH = ("push", "console", "x")
NEXT = ("next",)

DURATIONS = (
    "",
    "x",
    "5x",
    "-5",
    "0x5",
    "1h1h",
    "5 m",
    "1m1h1m",
    "P1D1Y",
    "PT",
    "P",
    "1e400",
    "nan",
    "inf",
    "5,5",
    "\u0663",
)
TIMES = (
    *("", "x", "tomorrow", "2026-13-01", "2026-02-30", "2026-12-01T25:00:00Z", "2026-12-01T08:00:00+99:00"),
    *("-1", "1969-12-31T23:59:59Z", "+", "+5x", "2026-12-01T08:60:00Z", "20261201T99", "nan", "2400-01-01"),
)
COUNTS = ("", "x", "-1", "1.5", "1e20", "nan", "99999999999999999999", "0x10", "\uff11")
FACTORS = ("", "x", "-1", "nan", "inf", "1e400", "5m", "0x10")
RATES = ("", "x", "5", "5/", "/5", "0/1m", "-1/1m", "5/0", "5/1x", "1.5/1m", "5/1m/1m", "5 per minute")
BACKOFFS = (
    *(
        "",
        "x",
        "-5",
        "linear",
        "linear x",
        "exponential 10s max",
        "10s max 1x",
        "jitter",
        "10s 20s",
        "1s,,5s",
    ),
    *("fixed 10s linear 5s", "linear 10s max 5s max 6s", "nan", "1s,2s jitter jitter"),
)
CODES = ("", ",", "a,,b", "a b")
WORDS = ("", "a b", "a\tb", "a\nb")
ZONES = ("", "Europe/Brusels", "Mars/Phobos", "utc+1", "+02:00", "CET CEST", "../etc/passwd")
PATTERNS = (
    *(
        "",
        "5",
        "* * * *",
        "* * * * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
    ),
    *("* * * 0 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "1-2-3 * * * *", "1,,2 * * * *", ", * * * *"),
    *(
        "a * * * *",
        "* * * FOO *",
        "* * * * FOO",
        "* * * * MON#6",
        "* * * * MON#0",
        "* * L-99 * *",
        "* * 5W5 * *",
    ),
    *("H(5-1) * * * *", "H(0-99) * * * *", "HH * * * *", "@never", "@", "@every", "@every x", "@every 0"),
    *("0 0 31 2 *", "0 0 30 2 *", "-5 * * * *", "*/x * * * *", "* * * * MON-", "1.5 * * * *", "+H * * * *"),
    *("rate(5 minutes)", "cron(0 12 * * ? *)", "TZ=Mars/Phobos 0 9 * * *", "TZ= 0 9 * * *"),
    *(
        "\uff10 * * * *",
        "* * * * *\x1b[31m",
        "99999999999999999999 * * * *",
        "*" * 500,
        "* * * * * ; rm -rf /",
    ),
)

KINDS = {
    "every": DURATIONS,
    "timeout": DURATIONS,
    "jitter": ("x", "-5", "1h1h"),
    "grace": ("x", "-5", "1h1h"),
    "lease": ("x", "-5", "nan", "0"),
    "keep": ("x", "-5", "0"),
    "step": ("x", "-5"),
    "duration": ("x", "-5"),
    "start": TIMES,
    "stop": ("x", "2026-13-01", "-1"),
    "at": TIMES,
    "repeat": COUNTS,
    "attempts": COUNTS,
    "priority": ("", "x", "10", "-10", "1.5", "nan"),
    "losses": ("x", "0", "-1"),
    "concurrency": ("x", "0", "-1", "1.5"),
    "keep-bytes": ("x", "-1", "1.5"),
    "minutes": FACTORS,
    "months": ("x", "-1", "nan"),
    "rate": RATES,
    "backoff": BACKOFFS,
    "retry-on": CODES,
    "never-on": CODES,
    "queue": WORDS,
    "policy": ("no-such-policy", "a b"),
    "zone": ZONES,
    "cron": PATTERNS,
    "after": ("", ",", "a,,b", "a b", "x" * 300, "tick,"),
}
"""Values that no command accepts, by the option."""

NEEDED = {"step": ("--every", "5", "--decay", "2"), "zone": ("--cron", "@daily"), "jitter": ("--every", "5")}
"""Options without which another one cannot be given."""

CHOICES = dict.fromkeys(("dst", "misfire", "overlap", "on", "join"), ("", "x", "ALL"))

TOGETHER = (
    (("--every", "5", "--cron", "@daily"), "cron"),
    (("--at", "+5m", "--every", "5"), "every"),
    (("--at", "+5m", "--cron", "@daily"), "at"),
    (("--deadline", "5m"), "deadline"),
    (("--after", "tick", "--deadline", "5m"), "deadline"),
    (("--after", "tick", "--every", "5", "--deadline", "soon"), "deadline"),
    (("--after", "tick", "--every", "5", "--at-deadline", "wait"), "at-deadline"),
    (("--repeat", "3"), "repeat"),
    (("--decay", "2"), "decay"),
    (("--zone", "Europe/Brussels"), "zone"),
    (("--dst", "ocps"), "dst"),
    (("--on", "dead"), "on"),
    (("--join", "any"), "join"),
    (("--jitter", "5"), "jitter"),
    (("--misfire", "all"), "misfire"),
    (("--start", "+1h", "--stop", "+1m", "--every", "5"), "stop"),
    (("--every", "5", "--stop", "+1h", "--duration", "1h"), "duration"),
    (("--every", "5", "--step", "5"), "step"),
    (("--cron", "@daily", "--decay", "2"), "decay"),
    (("--cron", "TZ=UTC @daily", "--zone", "Europe/Brussels"), "zone"),
    (("--every", "0.0001"), "every"),
    (("--every", "101 years"), "every"),
    (("--retry-on", "5*", "--never-on", "404", "--policy", "none"), "policy"),
    (("--after", "a"), "after"),
)
"""Options that do not go together, and one that the sentence names."""


def said(name: str, value: str) -> str:
    """Return the option that the sentence names: cron may hold an interval and a zone."""
    if value.startswith("@every ") and name == "cron":
        return "every:"
    if name == "policy":
        return "there is no policy"
    return "zone" if value.startswith("TZ=Mars") else f"{name}:"


CASES = [
    *(
        Bad((*PUT, *NEEDED.get(name, ()), f"--{name}", value), said(name, value))
        for name, values in KINDS.items()
        for value in values
    ),
    *(
        Bad((*CREATE, *NEEDED.get(name, ()), f"--{name}", values[1]), said(name, values[1]))
        for name, values in KINDS.items()
    ),
    *(
        Bad((*EDIT, f"--{name}", values[1]), said(name, values[1]))
        for name, values in KINDS.items()
        if name != "zone"
    ),
    *(
        Bad((*PUSH, f"--{name}", value), f"{name}:")
        for name in (
            "timeout",
            "attempts",
            "priority",
            "backoff",
            "rate",
            "retry-on",
            "keep",
            "lease",
            "queue",
        )
        for value in KINDS[name][:4]
        if name != "rate"
    ),
    *(Bad((*PUSH, "--in", value), "in:") for value in DURATIONS[:6]),
    *(Bad((*PUSH, "--at", value), "at:") for value in TIMES[:6]),
    *(Bad((*PUSH, "--unique-for", value), "unique-for:") for value in ("x", "-5")),
    *(Bad((*NEXT, "--cron", value), said("cron", value)) for value in PATTERNS),
    *(
        Bad(("explain", value), said("cron", value))
        for value in PATTERNS
        if value and not value.startswith("-")
    ),
    *(Bad((*NEXT, "--every", value), "every:") for value in DURATIONS[:8]),
    *(Bad((*NEXT, "--every", "5", "--from", value), "from:") for value in TIMES[:8]),
    *(
        Bad((*command, f"--{name}", value), name)
        for command in (PUT, NEXT)
        for name in CHOICES
        for value in CHOICES[name]
    ),
    *(Bad((*PUT, *words), name) for words, name in TOGETHER),
]
