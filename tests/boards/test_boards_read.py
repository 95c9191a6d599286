"""Reading board files: inheritance, variables, includes, several boards, and every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs_core import OptionError
from jobs_core.boardfile import BoardFile, read, read_valid
from jobs_core.boardfile.variables import escape, expand


def file(folder: Path, text: str, name: str = "board.yml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def job(found: BoardFile, id: str = "a", board: str | None = None) -> dict[str, Any]:
    assert found.problems == []
    (one,) = [job for job in found.boards[board].jobs if job.id == id]
    return one.arguments


def mistakes(folder: Path, text: str, **environ: str) -> list[str]:
    """The mistakes in a file, without its path."""
    path = file(folder, text)
    return [str(problem).removeprefix(f"{path}:") for problem in read(path, environ).problems]


def test_a_job_has_a_runner_a_payload_and_options(tmp_path: Path) -> None:
    found = read(file(tmp_path, "jobs:\n  a: {runner: shell, payload: date, every: 5, timeout: 1h}\n"))
    assert job(found) == {"id": "a", "runner": "shell", "payload": "date", "every": 5, "timeout": "1h"}
    assert str(found.boards[None].jobs[0].where) == f"{tmp_path}/board.yml:2:3"


def test_toml_says_the_same(tmp_path: Path) -> None:
    text = """
        [defaults]
        runner = "shell"
        [jobs.a]
        payload = { line = "date", env = { A = "1" } }
        every = 5
        after-none = 1
        [jobs."b c"]
        payload = "x"
        start = 2027-01-01T00:00:00Z
    """
    found = read(file(tmp_path, text, "board.toml"))
    assert [str(problem).rpartition("/")[2] for problem in found.problems] == [
        "board.toml:7: unknown key 'after-none' (did you mean 'after'?)"
    ]
    assert found.boards[None].jobs[0].payload == {"line": "date", "env": {"A": "1"}}
    assert found.boards[None].jobs[1].options == {"start": "2027-01-01 00:00:00+00:00"}
    assert str(found.boards[None].jobs[1].where).endswith("board.toml:8")


def test_a_job_overrides_its_group_which_overrides_defaults(tmp_path: Path) -> None:
    text = """
        defaults: {runner: shell, timeout: 1, attempts: 1, priority: 1, losses: 1}
        groups:
          slow: {timeout: 2, attempts: 2, priority: 2, like: base}
          base: {timeout: 3, losses: 3}
        jobs:
          a: {payload: x, group: slow, priority: 4}
          b: {payload: x, runner: http}
    """
    found = read(file(tmp_path, text))
    inherited = {"timeout": 2, "attempts": 2, "priority": 4, "losses": 3}
    assert job(found) == {"id": "a", "runner": "shell", "payload": "x"} | inherited
    assert job(found, "b")["runner"] == "http"


def test_variables_are_expanded_in_values(tmp_path: Path) -> None:
    text = """
        jobs:
          a:
            runner: shell
            payload: {line: 'dump ${DB} > $HOME/$(date) $$x', env: [{A: '${NONE:-none}'}]}
            every: ${EVERY}
    """
    found = job(read(file(tmp_path, text), {"DB": "app", "EVERY": "1h"}))
    assert found["payload"] == {"line": "dump app > $HOME/$(date) $x", "env": [{"A": "none"}]}
    assert found["every"] == "1h"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "1"),
        ("${A:-2}", "1"),
        ("${EMPTY:-2}", "2"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("$A ${A}$", "$A 1$"),
        ("$$A $${A}", "$A ${A}"),
        ("${NONE:-a b: c}", "a b: c"),
    ],
)
def test_variable_expansion(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "EMPTY": ""}) == expected


@pytest.mark.parametrize("text", ["$", "$$", "$$$", "${A}", "$${", "a$b", "$${A}$$", "{$}", "$(x) ${y:-z}"])
def test_escaped_text_round_trips(text: str) -> None:
    assert expand(escape(text), {}) == text


def test_included_files_inherit_and_have_relative_paths(tmp_path: Path) -> None:
    file(tmp_path, "defaults: {timeout: 2}\njobs: {b: {payload: x, group: g}}", "more/b.yml")
    file(tmp_path, "jobs: {c: {payload: x}}", "more/c.yml")
    text = """
        defaults: {runner: shell, timeout: 1}
        groups: {g: {priority: 3}}
        include: [more/*.yml, "none/*.yml"]
        jobs: {a: {payload: x}}
    """
    found = read(file(tmp_path, text))
    assert job(found, "b") == {
        "id": "b",
        "runner": "shell",
        "payload": "x",
        "timeout": 2,
        "priority": 3,
    }
    assert job(found, "c")["timeout"] == 1
    assert [path.name for path in found.files] == ["board.yml", "b.yml", "c.yml"]


def test_a_file_may_have_several_boards(tmp_path: Path) -> None:
    text = """
        name: mine
        defaults: {runner: shell}
        boards:
          one: {jobs: {a: {payload: x}}}
          two: {defaults: {timeout: 1}, jobs: {a: {payload: y}}}
    """
    found = read(file(tmp_path, text))
    assert (found.owner, list(found.boards)) == ("mine", ["one", "two"])
    assert job(found, board="two") == {"id": "a", "runner": "shell", "payload": "y", "timeout": 1}


def test_a_file_without_a_name_is_owned_by_its_path(tmp_path: Path) -> None:
    found = read(file(tmp_path, "board: b\njobs: {}"))
    assert found.owner == str(tmp_path / "board.yml")
    assert list(found.boards) == ["b"]


def test_words_stay_strings(tmp_path: Path) -> None:
    text = """
        jobs:
          1: {runner: shell, payload: 5, after: [2, b], on: end, start: 2027-01-01, every: 1:30}
          yes: {runner: shell, payload: "yes", queue: on, priority: 0x10, timeout: 1e3, paused: true}
    """
    found = read(file(tmp_path, text))
    assert job(found, "1") == {
        "id": "1",
        "runner": "shell",
        "payload": "5",
        "after": [2, "b"],
        "on": "end",
        "start": "2027-01-01",
        "every": "1:30",
    }
    assert job(found, "yes")["queue"] == "on"
    assert (job(found, "yes")["priority"], job(found, "yes")["paused"]) == ("0x10", True)


def test_anchors_and_merge_keys_work(tmp_path: Path) -> None:
    text = """
        x-base: &base {runner: shell, timeout: 1}
        jobs:
          a: {<<: *base, payload: x, timeout: 2}
          b: {<<: [*base, {attempts: 2, timeout: 9}], payload: x}
    """
    found = read(file(tmp_path, text))
    assert job(found)["timeout"] == 2
    assert job(found, "b") == {"id": "b", "runner": "shell", "payload": "x", "timeout": 1, "attempts": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: the file is empty; declare jobs by id under `jobs:`"]),
        ("[a]", ["1:1: the file is not a mapping"]),
        ("x", ["1:1: the file is not a mapping"]),
        ("defaults: {}", ["1:1: the file declares no jobs"]),
        ("jobs: [a]", ["1:7: jobs: expected a mapping"]),
        ("jobs:", ["1:6: jobs has no value; write {} for an empty mapping"]),
        ("jobs: {}\nboards: {}", ["2:9: boards cannot be combined with jobs, alerts or board"]),
        ("jobs: {}\ndefalts: {}", ["2:1: unknown key 'defalts' (did you mean 'defaults'?)"]),
        ("jobs: {}\ndefaults: {next: 5}", ["2:12: unknown key 'next'"]),
        ("jobs: {}\njobs: {}", ["2:1: duplicate key 'jobs'"]),
        ("jobs: {a: 5}", ["1:11: a: expected a mapping"]),
        ("jobs: {a: {}}", ["1:8: the job 'a' has no payload", "1:8: the job 'a' has no runner"]),
        ("jobs: {a: {runner: x, payload: [x]}}", ["1:32: payload: expected text or a mapping"]),
        ("jobs: {a: {runner: x, payload: }}", ["1:32: payload: expected text or a mapping"]),
        ("jobs: {a: {runner: x, payload: true}}", ["1:32: payload: expected text or a mapping"]),
        ("jobs: {a: {runner: x, payload: x, every: {}}}", ["1:42: every: expected a value"]),
        ("jobs: {a: {runner: x, payload: x, every: yes}}", []),
        ("jobs: {a: {runner: x, payload: x, every: true}}", ["1:42: every: unexpected true or false"]),
        ("jobs: {a: {runner: x, payload: x, every: }}", ["1:42: every has no value"]),
        ("jobs: {a: {runner: x, payload: x, group: g}}", ["1:35: unknown group 'g'"]),
        ("jobs: {a: {runner: x, payload: x, every: 1, every: 2}}", ["1:45: duplicate key 'every'"]),
        (
            "jobs:\n  a: {runner: x, payload: x}\n  a: {runner: x, payload: x}",
            ["3:3: duplicate job 'a'; first declared at "],
        ),
        ("jobs: {}\ngroups: {a: {like: b}}", ["2:14: unknown group 'b'"]),
        ("jobs: {}\ngroups: {a: {like: a}}", ["2:14: the group inherits from itself: a like a"]),
        ("jobs: {}\ninclude: none.yml", ["2:10: cannot include 'none.yml'; no such file next to board.yml"]),
        ("include: board.yml", ["", "include cycle"]),
        ("jobs: {a: [}", ["1:12: invalid YAML: did not find expected node content"]),
        ("jobs:\n\ta: {}", ["2:1: invalid YAML: indentation has a tab; use spaces, not tabs"]),
        ("jobs: {a: *none}", ["1:11: invalid YAML: found undefined alias"]),
        ("jobs: " + "[" * 30 + "]" * 30, ["1:27: values are nested more than 20 levels deep"]),
        (
            "jobs: {a: {runner: x, payload: '${NONE}'}}",
            ["1:32: payload: the variable NONE"],
        ),
        ("jobs: {a: {runner: x, payload: x, every: '${A B}'}}", ["1:42: every: expected ${NAME}"]),
        (
            "jobs: {a: {runner: x, payload: x, every: '${NONE:?say}'}}",
            ["1:42: every: the variable NONE is not set in the environment: say"],
        ),
    ],
)
def test_every_mistake_has_its_location(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = [sentence for sentence in mistakes(tmp_path, text) if sentence]
    wanted = [sentence for sentence in expected if sentence]
    assert len(found) >= len(wanted)
    for sentence, start in zip(found, wanted, strict=False):
        assert start in sentence
    if not wanted:
        assert found == []


def test_all_mistakes_are_found_at_once_in_order(tmp_path: Path) -> None:
    text = "jobs:\n  a: {runner: x, payload: x, evry: 5}\n  b: {payload: '${NONE}'}\n  c: 5\nx: 1\n"
    assert [sentence.partition(":")[0] for sentence in mistakes(tmp_path, text)] == ["2", "3", "3", "4", "5"]


def test_a_secret_is_never_in_a_mistake(tmp_path: Path) -> None:
    text = "jobs: {a: {runner: x, payload: x, group: '${SECRET}', every: '${SECRET}'}}"
    found = mistakes(tmp_path, text, SECRET="hunter2")
    assert found
    assert not any("hunter2" in sentence for sentence in found)


def test_read_valid_names_the_first_mistake_and_counts_the_rest(tmp_path: Path) -> None:
    path = file(tmp_path, "jobs: {a: 5, b: 5, c: 5}")
    with pytest.raises(OptionError, match=r"yml:1:11: a: expected a mapping.* \(and 2 more: run `jobs board"):
        read_valid(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"jobs: {a: \xff}", "board.yml:1:11: expected UTF-8, got other bytes"),
        (b"\x00", "invalid YAML"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\n", "the file declares no jobs"),
    ],
)
def test_invalid_bytes_are_a_mistake(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "board.yml"
    path.write_bytes(content)
    assert any(says in str(problem) for problem in read(path).problems)


def test_an_alias_bomb_is_rejected(tmp_path: Path) -> None:
    levels = "".join(f"x-{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    (problem,) = read(file(tmp_path, f"x-0: &l0 [x]\n{levels}jobs: {{}}\n")).problems
    assert "the file is too large once its aliases are expanded" in problem.sentence


@pytest.mark.parametrize(("name", "says"), [("none.yml", "No such file"), ("folder", "Is a directory")])
def test_an_unreadable_file_is_a_mistake(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder").mkdir()
    (problem,) = read(tmp_path / name).problems
    assert says in problem.sentence


def test_files_that_include_each_other_are_named(tmp_path: Path) -> None:
    file(tmp_path, "include: board.yml", "other.yml")
    (problem,) = read(file(tmp_path, "include: other.yml")).problems
    assert "board.yml includes" in problem.sentence


def test_invalid_toml_is_located(tmp_path: Path) -> None:
    (problem,) = read(file(tmp_path, "[jobs]\na = \n", "board.toml")).problems
    assert str(problem).endswith("board.toml:2:5: invalid TOML: Invalid value; put text in quotes")


CRONTAB = """
CRON_TZ=Asia/Tokyo
MAILTO=root
0 3 * * * /srv/backup.sh --full
@daily date +\\%F%input
"""


def test_a_crontab_is_a_board_file(tmp_path: Path) -> None:
    found = read(file(tmp_path, CRONTAB, "mine.crontab"))
    assert job(found, "backup") == {
        "id": "backup",
        "runner": "shell",
        "payload": "/srv/backup.sh --full",
        "cron": "0 3 * * *",
        "zone": "Asia/Tokyo",
        "on-failure": "notify root",
    }
    assert job(found, "date")["payload"] == {"line": "date +%F", "input": "input\n"}
    assert found.notices == []


def test_a_system_crontab_has_a_user_column(tmp_path: Path) -> None:
    found = read(file(tmp_path, "0 3 * * * nobody /srv/backup.sh\n", "cron.d/backup"))
    assert job(found, "backup")["payload"] == "/srv/backup.sh"
    assert "not as nobody" in found.notices[0].sentence


def test_an_included_crontab_inherits_defaults(tmp_path: Path) -> None:
    file(tmp_path, "0 3 * * * /srv/backup.sh\n", "mine.crontab")
    text = "defaults: {runner: http, timeout: 1h}\ninclude: mine.crontab\njobs: {backup: {payload: x}}"
    found = read(file(tmp_path, text))
    assert [job.runner for job in found.boards[None].jobs] == ["shell", "http"]
    assert found.boards[None].jobs[0].options["timeout"] == "1h"
    (problem,) = found.problems
    assert "duplicate job 'backup'; first declared at" in problem.sentence


def test_a_crontab_is_read_by_a_user_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def getuser() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", getuser)
    (job,) = read(file(tmp_path, "@daily /srv/backup.sh\n", "mine.crontab")).boards[None].jobs
    assert job.id == "backup"


def test_a_mistake_in_a_crontab_has_its_location(tmp_path: Path) -> None:
    path = file(tmp_path, "# a comment\n0 25 * * * x\n", "crontab")
    (problem,) = read(path).problems
    assert str(problem) == f"{path}:2:3: hour '25': expected 0-23"
