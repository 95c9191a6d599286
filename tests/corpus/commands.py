"""Commands, arguments and flags: missing ones, too many, unknown ones, and ids that are none."""

from __future__ import annotations

from tests.corpus import Bad

COMMANDS = (
    *("ack", "cancel", "count", "create", "dead list", "dead purge", "dead retry", "dead show", "doctor"),
    *("dump", "edit", "explain", "export crontab", "graph", "history", "init", "limit", "list", "next"),
    *("output", "pause", "push", "put", "remove", "resume", "retention", "run", "show", "stats", "tasks"),
    *("tick", "trim", "workers", "import crontab", "load", "board apply", "board check", "board diff"),
    *("board export", "board schema", "plugin new", "acl", "plugins", "settings", "completion", "up"),
    *(
        "respond",
        "breaker list",
        "breaker close",
        "web",
        "web token add",
        "web token list",
        "web token remove",
    ),
)

BAD_IDS = ("", "a b", "a,b", "a\tb", "a\nb", "x" * 257, "é" * 129, "a\x1bb", "a\udcffb")

NO_JOB = (
    *("show nope", "pause nope", "resume nope", "remove nope", "push nope", "edit nope --timeout 5"),
    *("cancel nope", "cancel nope@1", "cancel --job nope", "next nope", "graph nope", "dead show nope@1"),
    *("dead retry nope@1", "dead purge nope@1", "output nope@1", "show nope*", "remove nope* --yes"),
    *("pause nope?", "resume [nope]*", "show tick nope", "edit nope --unset timeout"),
)

LACKING = (
    *("put", "put a", "put a console", "create", "create a", "push", "show", "pause", "resume", "remove"),
    *("edit", "cancel", "ack", "output", "trim", "explain", "limit queue", "board apply", "board check"),
    *(
        "board diff",
        "import crontab",
        "plugin new",
        "dead show",
        "dead retry",
        "dead purge",
        "acl",
        "respond",
    ),
    *("respond a", "breaker close", "completion", "web token add", "web token remove"),
)

TOO_MANY = (
    *("put a console x y", "create a console x y", "push console x y", "count x", "stats x", "tasks x"),
    *("list a b", "history a b", "next a b", "output a b", "dump x", "init x", "doctor x"),
    *("explain @daily @daily x", "limit queue mail 5", "board apply a b", "run x", "tick x", "workers x"),
    *("plugins x", "settings x", "acl viewer x", "ack a b", "edit tick a", "trim a b", "dead list x"),
)

CASES = [
    Bad("nope", "No such command 'nope'"),
    Bad("lst", "No such command 'lst'"),
    Bad("--nope", "No such option"),
    Bad("--url x list", "goes after the command"),
    Bad("--board x list", "goes after the command"),
    Bad("--json list", "goes after the command"),
    *(
        Bad(f"{group} nope", "No such command 'nope'")
        for group in ("board", "dead", "import", "export", "plugin")
    ),
    *(Bad(f"{command} --nope", "No such option") for command in COMMANDS),
    *(
        Bad(f"{command} --board", "'--board' requires an argument")
        for command in ("list", "put", "run", "up")
    ),
    *(
        Bad((*command.split(), "--board", "a b"), "board: expected a name")
        for command in ("list", "count", "stats")
    ),
    *(
        Bad(("list", "--board", name), "board: ")
        for name in ("", "{a}", "a\tb", "a\x1bb", "a\u202eb", "a\udcffb")
    ),
    *(Bad(("put", id, "console", "x"), "id: ") for id in BAD_IDS),
    *(Bad(("create", id, "console", "x"), "id: ") for id in BAD_IDS),
    *(Bad(("put", "a", name, "x"), "runner") for name in ("", "a b", "nope", "shel", "a\udcff")),
    *(Bad(("push", name, "x"), "runner") for name in ("", "a b", "nope", "shel", "a\udcff")),
    *(Bad(words, "no") for words in NO_JOB),
    *(Bad(words, "") for words in LACKING),
    *(Bad(words, "nexpected extra argument") for words in TOO_MANY if "limit" not in words),
    Bad("ack TOKEN", "no longer holds its task", code=1),
    Bad("ack nope", "no longer holds its task", code=1),
    Bad("ack nope --failed --progress 5", "Pass only one of them"),
    *(Bad(f"ack nope --progress {value}", "--progress") for value in ("x", "-1", "101", "nope%")),
    *(Bad(f"list --limit {value}", "--limit") for value in ("x", "0", "-1", "1.5")),
    *(Bad(f"tasks --limit {value}", "--limit") for value in ("x", "0", "-1")),
    *(Bad(f"history --limit {value}", "--limit") for value in ("x", "0", "-1")),
    *(Bad(f"next tick --count {value}", "count") for value in ("x", "0", "-1", "1e9", "99999999")),
    *(Bad(f"list --state {value}", "--state") for value in ("x", "SCHEDULED", "dead")),
    *(Bad(f"list --sort {value}", "--sort") for value in ("x", "state")),
    *(Bad(f"tasks --state {value}", "--state") for value in ("x", "done")),
    *(
        Bad(f"{command} --older-than {value}", "older-than")
        for command in ("tasks", "dead list", "dead purge")
        for value in ("x", "-5", "1h1h")
    ),
    Bad("dead retry", "Select dead letters"),
    Bad("dead purge", "Select dead letters"),
    Bad("dead retry --all a@1", "--all selects every dead letter"),
    Bad("dead purge --all --job tick", "--all selects every dead letter"),
    *(
        Bad(f"limit {words}", "limit")
        for words in ("job a --concurrency 5", "queue a --none --concurrency 5")
    ),
    *(Bad(f"limit queue a --concurrency {value}", "concurrency") for value in ("x", "0", "-1", "1.5")),
    *(Bad(f"limit runner a --rate {value}", "rate") for value in ("x", "5/0", "0/1m")),
    *(Bad(f"limit queue a --max-length {value}", "max-length") for value in ("x", "-1", "1.5")),
    Bad("limit runner a --max-length 5", "max-length"),
    Bad(("limit", "queue", "a b", "--concurrency", "5"), "queue: expected one word"),
    *(Bad(f"trim mail --keep {value}", "--keep") for value in ("x", "-1", "1.5")),
    *(
        Bad(f"retention {words}", "")
        for words in ("x=5", "dead", "dead=x", "dead=-1", "=5", "dead-letters=1.5")
    ),
    *(Bad(f"tick --limit {value}", "--limit") for value in ("x", "0", "1001")),
    *(Bad(f"run --concurrency {value}", "--concurrency") for value in ("x", "0", "1001", "1.5")),
    *(Bad(f"run --lease {value}", "lease") for value in ("x", "0", "-1", "nan", "1e400", "0.01")),
    *(Bad(f"run --drain {value}", "drain") for value in ("x", "-1", "nan", "inf")),
    *(Bad(f"run --log {value}", "logger") for value in ("nope", "consol")),
    *(Bad(f"run --runner {value}", "runner") for value in ("nope", "shel")),
    *(
        Bad(("run", f"--{option}", value), f"{option}: expected")
        for option in ("queue", "name")
        for value in ("", "a\udcff", "x" * 257)
    ),
    Bad(("run", "--queue", "a b"), "queue"),
    *(Bad(("run", "--runner", value), "there is no runner") for value in ("", "a\udcff", "x" * 3000)),
    Bad(("load", "/dev/zero"), "/dev/zero: expected a regular file"),
    Bad("board apply -", "a board file cannot come from standard input"),
    Bad("board check -", "a board file cannot come from standard input"),
    Bad("edit tick", "The editor 'nosuch' cannot be started.", variables={"EDITOR": "nosuch", "VISUAL": ""}),
    Bad("edit tick", "The editor 'false' failed.", variables={"EDITOR": "false", "VISUAL": ""}),
    *(Bad(f"run --allow {value}", "--allow") for value in ("tasks", "a:b:c")),
    *(Bad(("acl", role), "ROLE") for role in ("nope", "")),
    *(Bad(f"acl viewer --server-version {value}", "version") for value in ("x", "7", "7.x")),
    *(Bad(("acl", "viewer", "--user", value), "user") for value in ("", " ", "a b", "a\tb", "a\x1bb")),
    *(Bad(f"graph --format {value}", "--format") for value in ("x", "png")),
    *(
        Bad(("plugin", "new", name, "--in", "DIR"), "name: expected")
        for name in ("", "A", "a_b", "../a", "a b", "é")
    ),
    *(Bad(("explain", "@daily", "--zone", zone), "zone") for zone in ("Mars/Phobos", "", "Europe/Brusels")),
    *(Bad(("edit", "tick", "--unset", name), name) for name in ("nope", "runner", "payload", "id")),
    Bad("edit tick --every 5 --unset every", "every"),
    Bad("push console x --wait --stdin", "--wait follows one task"),
    Bad("put a console x --stdin", "--stdin reads"),
    Bad("create a console x --stdin", "--stdin reads"),
    Bad(("remove", "t*"), "--yes"),
    Bad("completion tcsh", "tcsh"),
    Bad("up --watch", "--watch needs a board file"),
    *(
        Bad(("respond", "greet", command), "{payload}")
        for command in ("echo '{payload}'", 'echo "{payload}"')
    ),
    Bad("breaker close nope", "no circuit"),
    Bad("web token remove nope", "no token"),
    Bad("web token add a --role root", "--role"),
]
