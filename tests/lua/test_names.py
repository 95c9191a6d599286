"""Names whose characters can all be seen: the engine, and Python where it checks names itself."""

from __future__ import annotations

import unicodedata

import pytest

from jobs_core import Board, OptionError
from jobs_core.values import require_visible
from jobs_core.worker.options import check_options
from tests.lua.helpers import Lua

HIDDEN = {
    "an override": "a\u202eb",
    "an isolate": "a\u2066b",
    "a mark": "a\u200fb",
    "a blank of no width": "report\u200b",
    "a byte order mark": "\ufeffreport",
    "a soft hyphen": "re\u00adport",
    "a filler": "a\u3164",
    "a tag": "a\U000e0041",
    "a control character of Latin-1": "a\u009bm",
    "a blank of another script": "a\u3000b",
    "a line separator": "a\u2028b",
    "a joiner in Latin": "re\u200dport",
    "a selector after Latin": "a\ufe0f",
    "a joiner at the beginning": "\u200ca",
}

SEEN = {
    "Persian": "گزارش\u200cها",  # noqa: RUF001
    "Sinhala": "ක්\u200dෂ",
    "an emoji of several": "👩\u200d💻-on-call",
    "an emoji with a selector": "❤\ufe0f",
    "an ideograph with a selector": "葛\U000e0100",
    "combining marks": "e\u0301té",
    "the last character": "\U0010ffff",
}

hidden = pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
seen = pytest.mark.parametrize("text", SEEN.values(), ids=SEEN)

SAYS = "expected visible characters, got U"


@hidden
def test_ids_whose_characters_hide_are_refused(lua: Lua, text: str) -> None:
    lua.refuses(OptionError, f"id: {SAYS}", "JSET", text, "echo", "x")
    lua.refuses(OptionError, f"after: {SAYS}", "JSET", "a", "echo", "x", "after", text)
    assert lua.jget(text) == [None]


@hidden
def test_names_of_queues_and_workers_and_labels_whose_characters_hide_are_refused(
    lua: Lua, text: str
) -> None:
    lua.refuses(OptionError, f"queue: {SAYS}", "JSET", "a", "echo", "x", "queue", text)
    lua.refuses(OptionError, f"queue: {SAYS}", "JPUSH", "echo", "x", "queue", text)
    lua.refuses(OptionError, f"queue: {SAYS}", "JLIMIT", "queue", text, "concurrency", 1)
    lua.refuses(OptionError, f"label: {SAYS}", "JSET", "a", "echo", "x", "label", f"team={text}")
    lua.refuses(OptionError, f"worker: {SAYS}", "JREGISTER", text, "echo")
    lua.refuses(OptionError, f"worker: {SAYS}", "JPOP", 1, "echo", "worker", text)
    with pytest.raises(OptionError, match=r"^(name: expected|name: .*spaces)"):
        check_options(text, ["echo"], 30, 30)


@seen
def test_what_scripts_and_emoji_need_is_allowed(lua: Lua, text: str) -> None:
    lua.put(text, label=f"team={text}", queue=text)
    assert lua.job(text)["label"] == [f"team={text}"]
    check_options(text, [text], 30, 30)


def test_a_board_whose_name_hides_something_is_not_made(lua: Lua, url: str) -> None:
    name = f"{lua.board.name}\u202e"
    with pytest.raises(OptionError, match=r"^board: expected visible characters, got U\+202E"):
        Board(name, url)
    lua.board.commands.keys = type(lua.keys)(name)
    with pytest.raises(OptionError, match=r"^board: expected visible characters, got U\+202E"):
        lua.put("a")
    assert not lua.client.exists(f"{{{name}}}:layout")


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_urls_cannot_contain_is_refused(lua: Lua, url: str, name: str) -> None:
    says = "expected a name other than . and .., which no URL can contain"
    lua.refuses(OptionError, f"id: {says}", "JSET", name, "echo", "x")
    lua.refuses(OptionError, f"queue: {says}", "JSET", "a", "echo", "x", "queue", name)
    lua.refuses(OptionError, f"name: {says}", "JLIMIT", "runner", name, "concurrency", 1)
    with pytest.raises(OptionError, match=r"^board: expected a name other than"):
        Board(name, url)


def test_a_job_of_before_whose_id_hides_something_can_be_removed(lua: Lua) -> None:
    lua.put("a", every=5)
    stored = lua.client.hget(lua.keys.job, "a").encode("utf-8", "surrogateescape")
    lua.client.hset(lua.keys.job, "a\u202e", stored)
    assert lua.jget("a\u202e") != [None]
    assert lua.jdel("a\u202e") == 1
    assert lua.jget("a\u202e") == [None]


NEAR = (
    (0x80, 0x3200),
    (0xF900, 0x10000),
    (0x1BC00, 0x1BD00),
    (0x1D100, 0x1D200),
    (0xDFF00, 0xE1100),
    (0x10FF00, 0x110000),
)
"""Where the characters are that are refused, and their neighbors."""


def test_python_and_the_engine_refuse_the_same_characters(lua: Lua) -> None:
    texts = [f"{before}{chr(code)}-" for span in NEAR for code in range(*span) for before in ("a", "é")]
    for first in range(0, len(texts), 500):
        chunk = texts[first : first + 500]
        replies = lua.jmset("set", *(word for text in chunk for word in (3, text, "echo", "x")))
        assert [str(reply).startswith(f"id: {SAYS}") for reply in replies] == list(map(_is_refused, chunk))


def _is_refused(text: str) -> bool:
    try:
        require_visible("id", text)
    except OptionError:
        return True
    return False


def test_every_character_that_formats_is_known() -> None:
    """Format characters and blanks are refused, unless they show something or join."""
    formats = {chr(code) for code in range(0x80, 0x110000) if unicodedata.category(chr(code)) in KINDS}
    assert {char for char in formats if not _is_refused(f"é{char}")} <= VISIBLE


KINDS = ("Cc", "Cf", "Zs", "Zl", "Zp")

VISIBLE = {
    "\u200c", "\u200d",  # joiners
    *map(chr, range(0x600, 0x606)), "\u06dd", "\u070f", "\u0890", "\u0891", "\u08e2",  # marks around numbers
    "\U000110bd", "\U000110cd",
    *map(chr, range(0x13430, 0x13440)),  # Egyptian joiners
}  # fmt: skip
