"""Generate the table of commands in the guide for clients from the headers of the Lua sources."""

from __future__ import annotations

import inspect
import re

from docs_tools.tables import table
from jobs_core.engine.build import commands

BEGIN, END = "<!-- generated: commands -->\n", "\n<!-- end -->"

RETURNS = {
    "JACK": "the task's id",
    "JALERT": "`put`: OK; `remove`: how many existed; `test`: the task's id",
    "JALERTS": "for each its JSON, or nothing; at the end an empty text if there are more; with `open`: the next cursor; a list of JSON",
    "JAPPLY": (
        "`begin`: the stage; `check`, `drop`, `settle`, `close`: OK; `commit`, `prepare`: how many jobs change; "
        "`roll`: how many are left; `pending`: what is prepared, for how many ms, and what was committed; "
        "`parents`: for each what it waits for"
    ),
    "JBACKFILL": "the number of the backfill",
    "JBACKFILLS": "for each its JSON, or nothing",
    "JBEAT": "for each token 1: leased, 0: lost, 2: leased, but to be cancelled",
    "JCANCEL": "the next cursor; a list of `cancelled` and `cancelling`",
    "JCHANGES": "the next cursor; a list of JSON, newest first",
    "JCOUNT": "a map",
    "JDEAD": "how many existed",
    "JDEL": "how many existed",
    "JDUES": "the next cursor; a list of times in ms, each followed by `ran`, `missed` or `unknown`",
    "JDUMP": "the next cursor; a list of items, each a list of words",
    "JEDIT": "the next run; 0: none",
    "JGAPS": "a list of JSON, oldest first",
    "JGET": "for each id its JSON, or nothing",
    "JHOURS": "a list of JSON, oldest first",
    "JFIND": "the next cursor; a list of ids",
    "JINBOX": "the number of the latest message that was handled",
    "JLABELS": "a map",
    "JLIMIT": "the limit: concurrency, n, period in ms; `-`: none",
    "JLOAD": "`begin`: the number of the last item that is loaded; `add`: for each OK, or an error; `end`: OK",
    "JLOGS": "for each task what it printed last, or nothing",
    "JMACK": "for each the task's id, or an error",
    "JMSET": "for each the next run, 0, or an error",
    "JNEXT": "up to `count` times (default 1, at most 1000)",
    "JOUTBOX": "a list of messages; without a partition: partitions, each with the number of its latest message",
    "JOUTPUT": "the number of lines kept",
    "JPAUSE": "1; 0 if it was paused like this",
    "JPERMIT": "the commands that this user is denied on the board: see [users and permissions](../guides/security.md)",
    "JPOP": "up to `count` tasks (default 1, at most 500), each a map; with `raw`, each a pair of token and record",
    "JPUSH": "the task's id",
    "JREGISTER": "the number of new runners",
    "JRETAIN": "a map of all bounds: durations in ms, `off`: none",
    "JRESUME": "the next run; 0: none",
    "JRUNS": "a list of JSON, newest first",
    "JSET": "the next run; 0: none",
    "JSETNX": "the next run; 0: none",
    "JSTAGE": "for each the job before and after, 0, or an error",
    "JSTATS": "a map",
    "JSUMMARY": "for each id its JSON, or nothing",
    "JTASKS": "the next cursor; a list of JSON",
    "JTICK": "the number moved (`limit`: default 500, at most 1000); the time of the next tick, or 0; the current time",
    "JTOP": "the board as JSON; lists of JSON: leased tasks, queues, workers",
    "JTRIM": "the number dropped; call again while it equals `limit` (default 1000)",
    "JWHEN": "for each id what it runs after, as JSON, or nothing",
    "JZONES": "the version of the time zones, or nothing; `put`: the number of new tables; `refresh`: the next cursor",
}


def filled_in(page: str) -> str:
    """Return the page with the generated table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + commands_table() + "\n" + END + after


def commands_table() -> str:
    """Return a row for each command: its arguments, its reply, and its specific errors."""
    rows = [_row(name, command.source, command.only_reads) for name, command in sorted(commands().items())]
    version = ("JVERSION *", "no key, and no board", "the version of the library, and its digest", "")
    return table(("command", "arguments after the board", "returns", "errors"), sorted([*rows, version]))


def signatures(source: str) -> list[str]:
    """Return the arguments after the board, one text per form of the command."""
    header = source.partition("--[[")[2].partition("--]]")[0]
    first = inspect.cleandoc(header).partition("\n\n")[0]
    calls = re.split(r"\s*\bJ[A-Z]+ board\b", " ".join(first.split()))
    return [re.split(r"  | (?=queue a one-off|run a job)", call.strip())[0].strip() for call in calls[1:]]


def errors(source: str) -> list[str]:
    """Return the error codes in the header."""
    header = source.partition("--]]")[0]
    return list(dict.fromkeys(re.findall(r"JOBS ([A-Z]{4,})\b", header.rpartition("Errors:")[2])))


def _row(name: str, source: str, only_reads: bool) -> tuple[str, str, str, str]:
    forms = "<br>".join(f"`{form}`" if form else "none" for form in signatures(source))
    codes = (
        ", ".join(f"`{code}`" for code in errors(source)) if "Errors:" in source.partition("--]]")[0] else ""
    )
    return f"{name}{' *' if only_reads else ''}", forms, RETURNS[name], codes
