"""A page of the documentation as steps that can be run.

What a fenced block means goes by its language, and by a comment on the line above its fence:

    sh                          commands; each must succeed
    console                     commands after `$ `, each with all that it prints; `…` stands for any text
    python, yaml, toml … with a title     a file of that name
    python                      a program of its own; `board` is there
    yaml                        a board file
    text, json, lua …           is not run
    <!-- keeps running -->      the last command of the block goes on in the background: another terminal
    <!-- the other terminal -->     what the one in the background prints, some time, in this order
    <!-- not run: why -->       is shown only
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_BLOCK = re.compile(
    r"(?:^[ ]*<!-- (?P<mark>[^\n]*?) -->\n\n?)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w+)(?:[ ]title=\"(?P<title>[^\"]+)\")?[ ]*\n"
    r"(?P<text>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its line in the page, language, title, mark and content."""

    line: int
    language: str
    title: str
    mark: str
    text: str

    @property
    def why_not_run(self) -> str | None:
        """Return the reason that the page gives for not running the block, or None."""
        return self.mark.removeprefix("not run: ") if self.mark.startswith("not run") else None


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found = []
    for match in _BLOCK.finditer(page):
        indent = len(match["indent"])
        text = "".join(line[indent:] if line.strip() else line for line in match["text"].splitlines(True))
        line = page.count("\n", 0, match.start("language")) + 1
        found.append(Block(line, match["language"], match["title"] or "", match["mark"] or "", text))
    return found


def commands(block: Block) -> list[tuple[str, str | None]]:
    """Return the commands of a block, each with what it prints, or None where that is not shown."""
    if block.language == "console":
        found: list[tuple[str, str | None]] = []
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            size = next(n for n in range(1, len(lines) + 1) if is_whole("\n".join(lines[:n])))
            command = "\n".join(re.sub("^> ", "", line) for line in lines[:size])
            found.append((command, "\n".join(lines[size:]).strip("\n")))
        return found
    found, command = [], ""
    for line in block.text.splitlines():
        command = f"{command}\n{line}" if command else line
        if is_whole(command):
            if command.strip() and not command.lstrip().startswith("#"):
                found.append((command, None))
            command = ""
    assert not command, command
    return found


def is_whole(command: str) -> bool:
    """Whether a command is complete without further lines."""
    heredoc = re.search(r"<<-?\s*['\"]?(\w+)", command)
    if heredoc and not re.search(rf"^{heredoc[1]}$", command, re.MULTILINE):
        return False
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return not command.endswith("\\")


_SAME = (
    # The console has no dates on a terminal, as on a page.
    (r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d ", "<clock> "),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?", "<time>"),
    (r"\b\d\d:\d\d:\d\d\b", "<clock>"),
    (r"@\d{13}\b", "@<ms>"),
    (r"\b1[6-9]\d{11}-\d+\b", "<entry>"),
    (r"\b1[6-9]\d{8}(\.\d+)?\b", "<epoch>"),
    (r'"etag":"[0-9a-f]{16}"', '"etag":"<etag>"'),
    (r"\b\d+\.\d+ s\b", "<seconds>"),
    (r"\b\d+ms\b|\b\d+\.\ds\b", "<took>"),
    (r"\b(done|dead) (\d+ (s|min|h) ago|now)\b", r"\1 <ago>"),
    (r"\bin \d+ (s|min|h|days)\b", "<in>"),
    (r"unix://\S+", "<url>"),
    (r"http://127\.0\.0\.1:\d+", "<page>"),
    (r"\b[0-9a-f]{40}\b", "<sha>"),
    (r"\b[\w.-]+-\d+ (started|stopped|draining)", r"<worker> \1"),
    (r"\b(Fri|Mon|Sat|Sun|Thu|Tue|Wed)\b", "<day>"),
    (r"[ \t]+", " "),
)
"""Output that differs between runs, for which a page shows the format."""


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether a command printed what a page shows: `…` is any text on a line, or, alone, any lines."""
    return re.fullmatch(pattern(shown), normal(printed)) is not None


def pattern(shown: str) -> str:
    """Return the regular expression of what a page shows."""
    lines = [line.strip() for line in normal(shown).splitlines()]
    parts = [r"(?s:.*)" if line == "…" else re.escape(line).replace("…", ".*") for line in lines]
    if len(lines) > 1 and lines[0] == "…":  # any lines, or none
        return r"(?:(?s:.*)\s*\n\s*)?" + r"\s*\n\s*".join(parts[1:])
    return r"\s*\n\s*".join(parts)


def normal(text: str) -> str:
    """Return text without what differs from run to run."""
    for expression, word in _SAME:
        text = re.sub(expression, word, text)
    return "\n".join(line.strip() for line in text.splitlines()).strip("\n")
