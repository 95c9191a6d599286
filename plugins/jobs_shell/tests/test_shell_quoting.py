"""Values that alerts fill into command lines never become commands, wherever they stand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobs_shell.quoting import harmless, quote

MARK = "{note}"


def filled(line: str, value: str) -> str:
    """Replace each mark in a line, as the worker does."""
    text, *rest = line.split(MARK)
    before = text
    for part in rest:
        text += quote(value, "line", before) + part
        before += MARK + part
    return text


def run(line: str, value: str, folder: Path, shell: str = "/bin/sh") -> str:
    """Run a line with a value filled in. Returns what it prints."""
    command = [shell, "-c", filled(line, value)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


SAFE = [
    "printf %s {note}",
    "printf %s '{note}'",
    'printf %s "{note}"',
    "printf %s \\${note}",
    'printf "%s" "$HOME" >/dev/null; printf %s {note}',
    "printf %s ''{note}\"\"",
    "echo $(printf %s ')') >/dev/null; printf %s {note}",
    "eval true; printf %s {note}",
    "if [ -n {note} ]; then printf %s {note}; fi",
    'printf %s "\\\\" >/dev/null\nprintf %s "{note}"',
    "printf %s a#b >/dev/null; printf %s {note}",
    ": $((1 + 1)) && printf %s {note}",
]
"""Lines that print the value, and nothing else."""

pieces = st.sampled_from(
    ["'", '"', "`", "$", "(", ")", "\\", ";", "&", "|", "#", "\n", " ", "touch pwned", "!", "*", "{"]
)
hostile = st.lists(
    pieces | st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=3),
    min_size=1,
)


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
@pytest.mark.parametrize("line", SAFE)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=hostile.map("".join))
def test_a_value_is_one_text(tmp_path: Path, line: str, shell: str, value: str) -> None:
    if not Path(shell).exists():
        pytest.skip("there is no such shell here")
    assert run(line, f"a{value}z", tmp_path, shell).removeprefix("$") == f"a{value}z"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("watch ", ""),
        ("trap 'echo ", "' EXIT"),
        ("runuser -u www -c 'echo ", "'"),
        ("bash -euo pipefail -c 'echo ", "'"),
        ('bash --login -c "echo ', '"'),
        ("$SHELL -c 'echo ", "'"),
        ("busybox ash -c 'echo ", "'"),
        ("flock f -c 'echo ", "'"),
        ("env -S 'echo ", "'"),
        ("python3 -c 'print(", ")'"),
        ("echo `", "`"),
        ("echo ${", "}"),
        ('echo "$', '"'),
        ("echo $", ""),
        ('echo "$(echo ', ')"'),
        ("echo $'", "'"),
        ("echo ${x:-", "}"),
        ('echo "${x:-', '}"'),
        ("cat <<END\n", "\nEND"),
        ("cat <<<", ""),
        ("echo \\", ""),
        ('echo "\\', '"'),
        ("echo x # ", ""),
        ("# ", ""),
        ("echo $(( ", " ))"),
        ("echo $[ ", " ]"),
        ('echo "$[ ', ' ]"'),
        ("(( x = ", " ))"),
        ("[[ ", " -eq 1 ]]"),
        ("[[ a && ", " -eq 1 ]]"),
        ("let x=", ""),
        ("eval echo ", ""),
        ('true; eval "echo ', '"'),
        ("ssh host echo ", ""),
        ("ssh host 'echo ", "'"),
        ("sh -c 'echo ", "'"),
        ("/bin/bash -e -c 'echo ", "'"),
        ("sudo -u www sh -ec 'echo ", "'"),
        ("su www -c 'echo ", "'"),
    ],
)
def test_where_no_form_is_safe_it_is_refused(before: str, after: str) -> None:
    with pytest.raises(ValueError, match=r"^line: a name in braces cannot stand after "):
        filled(before + MARK + after, "x")


@pytest.mark.parametrize(
    "line",
    [
        "./push.sh -c {note}",
        "grep -c {note} log",
        "./crash -c {note}",
        "echo ssh; echo {note}",
        "letter={note}",
        "echo '# {note}'",
    ],
)
def test_what_only_looks_like_it_is_not(line: str) -> None:
    assert filled(line, "x") == line.replace(MARK, "x")


READ_AGAIN = [
    "sh -c'echo {note}'",
    "'sh' -c 'echo {note}'",
    "s=sh; $s -c 'echo {note}'",
    '"sh" -c "echo {note}"',
    'x={note}; eval "echo $x"',
    "eval $(echo {note})",
    "xargs -I_ sh -c 'echo {note}' </dev/null",
    "timeout 5 'sh' -c 'echo {note}'",
]
"""Lines that read the value once more, which nothing in them shows for sure."""


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
@pytest.mark.parametrize("line", READ_AGAIN)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=hostile.map("".join))
def test_what_is_read_once_more_is_only_words(tmp_path: Path, line: str, shell: str, value: str) -> None:
    if not Path(shell).exists():
        pytest.skip("there is no such shell here")
    try:
        command = [shell, "-c", filled(line, f"a{value}z")]
    except ValueError:  # it is noticed
        return
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert said.stdout.split() in ([], harmless(f"a{value}z").split()), said
    assert list(tmp_path.iterdir()) == []


def in_list(items: list[str], value: str) -> list[str]:
    """Fill a value into arguments, as the worker does."""
    found = []
    for place, item in enumerate(items):
        text, *rest = item.split(MARK)
        earlier = "".join(f"{one}\0" for one in items[:place])
        found.append("".join([text, *(quote(value, "argv", earlier + text) + part for part in rest)]))
    return found


def test_an_argument_is_the_value_as_it_is() -> None:
    assert in_list(["./page", "-n", "{note}", "so: {note}"], "$(x)") == ["./page", "-n", "$(x)", "so: $(x)"]
    assert in_list(["bash", "page.sh", "{note}"], "$(x)") == ["bash", "page.sh", "$(x)"]


def test_in_the_program_of_an_interpreter_it_is_only_words() -> None:
    assert in_list(["/bin/sh", "-c", "echo {note}"], "$(x)")[2] == "echo \uff04\uff08x\uff09"
    assert in_list(["sudo", "python3", "-c", "print('{note}')"], "')")[3] == "print('\uff07\uff09')"


@pytest.mark.parametrize(
    "items", [["sh", "-c", "{note}"], ["ssh", "host", "echo {note}"], ["perl", "-e", "{note}"]]
)
def test_an_argument_that_would_be_a_program_is_refused(items: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^argv: a name in braces cannot stand after "):
        in_list(items, "x")


@pytest.mark.parametrize("key", ["argv", "env", "input", "cwd"])
def test_elsewhere_a_value_stays_as_it_is(key: str) -> None:
    assert quote("it's $(x)", key, "") == "it's $(x)"
    assert quote("it's $(x)", key, "so: ") == "it's $(x)"
