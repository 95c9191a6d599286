"""Plugins: discovery, isolation, selection by name. Every hook's example runs as written."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jobs_core import (
    Board,
    Context,
    Decision,
    Event,
    Job,
    Logger,
    OptionError,
    Outcome,
    PayloadError,
    PluginError,
    Runner,
    Task,
    Worker,
    WorkerInfo,
    hookimpl,
)
from jobs_core.cli import Cli
from jobs_core.plugins import hookspecs
from jobs_core.plugins.manager import Plugins
from jobs_core.plugins.payloads import check_payload
from jobs_core.plugins.services import running_services
from tests.helpers import Jobs, Recorder, install, jobs_process, runner

HELLO = """
    from jobs_core import Outcome, Runner, hookimpl

    @hookimpl
    def jobs_runners():
        yield Runner("hello", lambda task, context: Outcome.done(), "Say hello")
"""


def jobs(path: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run `jobs` with the plugins in `path`. Returns its exit code, output and errors."""
    process = jobs_process(*words, path=path, **environment)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def listed(path: Path, **environment: str) -> dict[str, dict[str, Any]]:
    code, out, err = jobs(path, "plugins", "--json", **environment)
    assert code == 0, err
    return {info["name"]: info for info in map(json.loads, out.splitlines())}


def test_an_installed_plugin_is_found(tmp_path: Path) -> None:
    install(tmp_path, "hello", HELLO)
    info = listed(tmp_path)["hello"]
    assert (info["state"], info["distribution"], info["version"]) == ("ok", "hello", "1.0")
    assert info["hooks"] == ["jobs_runners"]
    assert info["provides"] == {"runners": ["hello"]}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('bad day')", "ValueError: bad day"),
        ("import no_such_sdk", "No module named 'no_such_sdk'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError"),
        (
            "from jobs_core import hookimpl\n@hookimpl\ndef jobs_runnners(): return []",
            "unknown hook 'jobs_runnners' (did you mean 'jobs_runners'?)",
        ),
        ("from jobs_core import hookimpl\n@hookimpl\ndef jobs_runners(): raise KeyError('x')", "KeyError"),
        ("from jobs_core import hookimpl\n@hookimpl\ndef jobs_event(evnt): pass", "jobs_event"),
    ],
    ids=[
        "raises",
        "imports what is not there",
        "exits",
        "syntax",
        "misspelt hook",
        "raises in a hook",
        "argument",
    ],
)
def test_a_broken_plugin_is_named_and_does_not_affect_others(
    tmp_path: Path, source: str, reason: str
) -> None:
    install(tmp_path, "bad", source)
    install(tmp_path, "hello", HELLO)
    plugins = listed(tmp_path)
    assert plugins["bad"]["state"] == "broken"
    assert reason in plugins["bad"]["reason"]
    assert plugins["hello"]["state"] == "ok"


def test_a_broken_plugin_is_an_error_in_strict_mode(tmp_path: Path) -> None:
    install(tmp_path, "bad", "raise ValueError('bad day')")
    code, _, err = jobs(tmp_path, "plugins", JOBS_STRICT_PLUGINS="1")
    assert code == 1
    assert err == "Error: the plugin 'bad' is broken: ValueError: bad day\n"


def test_a_plugin_for_newer_hooks_is_not_loaded(tmp_path: Path) -> None:
    install(tmp_path, "newer", HELLO + "\n    JOBS_API = 99")
    install(tmp_path, "fits", HELLO + "\n    JOBS_API = 1")
    found = listed(tmp_path)
    assert (found["newer"]["state"], found["newer"]["provides"]) == ("incompatible", {})
    assert (
        "it requires hooks version 99, but this is version 1: upgrade jobs-core" in found["newer"]["reason"]
    )
    assert found["fits"]["state"] == "ok"


def test_output_of_a_plugin_import_is_discarded(tmp_path: Path) -> None:
    install(tmp_path, "loud", "\n    print('here I am')" + HELLO)
    code, out, err = jobs(tmp_path, "plugins", "--json")
    assert code == 0 and "here I am" in err
    found = {info["name"]: info for info in map(json.loads, out.splitlines())}
    assert {info["state"] for info in found.values()} == {"ok"}
    assert found["loud"]["notes"] == ["it prints to standard output on import"]


def test_a_plugin_that_hangs_when_it_is_imported_is_named(tmp_path: Path) -> None:
    install(tmp_path, "slow", "\n    import time; time.sleep(1)" + HELLO)
    info = listed(tmp_path)["slow"]
    assert info["state"] == "ok" and info["seconds"] >= 1
    assert re.fullmatch(r"its import takes \d\.\d s and delays every command", info["notes"][0])
    code, out, _ = jobs(tmp_path, "plugins")
    assert code == 0 and "delays every command" in out


def test_a_disabled_plugin_is_not_imported(tmp_path: Path) -> None:
    install(tmp_path, "bad", "raise ValueError('bad day')")
    assert listed(tmp_path, JOBS_DISABLE_PLUGINS="bad")["bad"]["state"] == "disabled"


def test_two_plugins_with_the_same_runner_are_both_named(tmp_path: Path) -> None:
    install(tmp_path, "one", HELLO)
    install(tmp_path, "two", HELLO)
    found = listed(tmp_path)
    assert {info["state"] for info in found.values()} == {"ok"}
    assert found["one"]["notes"] == ["the runner 'hello' is also provided by 'two': disable one"]
    assert found["two"]["notes"] == ["the runner 'hello' is also provided by 'one': disable one"]
    code, _, err = jobs(tmp_path, "run", "--runner", "hello", "--url", "redis://127.0.0.1:1")
    assert code == 1
    assert "the runner 'hello' is provided by both one and two" in err


COMMAND = """
    import click
    from jobs_core import hookimpl

    @hookimpl
    def jobs_commands(cli):
        @cli.command(name="{name}")
        def greet():
            "Greet."
            click.echo("greetings")
"""


def test_a_plugin_adds_a_command(tmp_path: Path) -> None:
    install(tmp_path, "greeter", COMMAND.format(name="greet"))
    assert jobs(tmp_path, "greet") == (0, "greetings\n", "")
    assert "greet " in jobs(tmp_path, "--help")[1]


def test_a_builtin_command_cannot_be_replaced(tmp_path: Path) -> None:
    install(tmp_path, "thief", COMMAND.format(name="plugins"))
    assert "the command 'plugins' belongs to Jobs: rename it" in listed(tmp_path)["thief"]["reason"]


def test_two_plugins_with_the_same_command_are_named(tmp_path: Path) -> None:
    install(tmp_path, "first", COMMAND.format(name="greet"))
    install(tmp_path, "second", COMMAND.format(name="greet").replace("greetings", "go away"))
    assert (
        "the command 'greet' belongs to the plugin 'first': rename it" in listed(tmp_path)["second"]["reason"]
    )
    assert jobs(tmp_path, "greet") == (0, "greetings\n", "")


# Payloads


class Strict:
    """A plugin whose runner has a schema and an additional check."""

    schema = {  # noqa: RUF012
        "type": "object",
        "properties": {"url": {"type": "string", "minLength": 3}, "method": {"enum": ["GET", "POST"]}},
        "required": ["url"],
        "additionalProperties": False,
    }

    @hookimpl
    def jobs_runners(self) -> list[Runner]:
        return [Runner("strict", lambda task, context: Outcome.done(), short="url", schema=self.schema)]

    @hookimpl
    def jobs_validate(self, job: Job) -> None:
        if isinstance(job.payload, dict) and job.payload.get("url") == "forbidden":
            raise PayloadError("the url is forbidden")


@pytest.fixture
def strict(board: Board) -> Board:
    plugins = Plugins()
    plugins.add("strict", Strict())
    return Board(board.name, client=board.client, plugins=plugins)


@pytest.mark.parametrize("payload", ["http://a", {"url": "http://a", "method": "GET"}])
def test_a_valid_payload_is_put(strict: Board, payload: Any) -> None:
    strict.put("a", "strict", payload)
    assert strict.count()["jobs"] == 1


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"url": "http://a", "zzz": "s3cret"}, "runner: unknown key 'zzz', expected one of url, method"),
        ({"url": "http://a", "methud": "s3cret"}, "runner: unknown key 'methud' (did you mean 'method'?)"),
        ({"url": "http://a", "z" * 99: "s3cret"}, f"unknown key '{'z' * 39}…', expected one of"),
        (
            {"url": "http://a", "timeout": "s3cret"},
            "runner: unknown key 'timeout': timeout is an option of the job: --timeout",
        ),
        (
            {"url": "http://a", "retry_on": "s3cret"},
            "unknown key 'retry_on': retry-on is an option of the job",
        ),
        ({"url": "http://a", "in": "s3cret"}, "unknown key 'in': in is an option of the job: --in"),
        ({"url": 5}, "url: expected type string"),
        ({"url": ""}, "url: expected at least 3 characters"),
        ({"method": "GET"}, "missing key url"),
        ({"url": "http://s3cret", "method": "s3cret"}, "method: expected one of GET, POST"),
        ("forbidden", "the url is forbidden"),
        (5, "payload: expected a string or a JSON object, got a number"),
    ],
)
def test_an_invalid_payload_is_rejected_and_not_quoted(strict: Board, payload: Any, says: str) -> None:
    with pytest.raises(PayloadError) as caught:
        strict.put("a", "strict", payload)
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert strict.count()["jobs"] == 0


# Hooks


HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("jobs_")}


def example(name: str) -> ModuleType:
    """The example in a hook's docstring, as a module."""
    text = inspect.cleandoc(HOOKS[name].__doc__ or "").split("Example:\n")[1]
    module = ModuleType(f"example_{name}")
    exec(textwrap.dedent(text), module.__dict__)
    return module


TASK = Task("a@1", "a", "hello", "hello", 0.001, 1, "world", payload="world")


def exercise(name: str, plugins: Plugins, board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    """Use the example of a hook, and check its effect."""
    hook, info = plugins.manager.hook, WorkerInfo("host-1", "jobs", ("hello",), 10)
    lines: list[str] = []
    context = Context("host-1", emit=lambda text, stream: lines.append(text))
    match name:
        case "jobs_runners":
            assert plugins.runner("hello").run(TASK, context).status == "done"
            assert lines == ["hello, world"]
        case "jobs_policies":
            assert plugins.policy("stubborn").decide(TASK, Outcome.failed()).delay == 60
        case "jobs_loggers":
            plugins.logger("terse").write(Event("task.started", 0, "host-1", TASK))
            assert "task.started a@1" in capsys.readouterr().err
        case "jobs_observers":
            (counter,) = plugins.observers(info)
            done = {"task": TASK, "decision": Decision.done()}
            for _ in range(2):
                counter.write(Event("task.finished", 0, "host-1", **done))
            assert counter.write.__globals__["ended"] == {"done": 2}
            quiet = WorkerInfo("host-1", "jobs", ("hello",), 10, {"hello_counts": False})
            assert plugins.observers(quiet) == []
        case "jobs_exposition":
            content_type, text = hook.jobs_exposition(board=board)(False)
            assert content_type.startswith("application/openmetrics-text")
            assert text.endswith(b"hello_jobs 0\n# EOF\n")
        case "jobs_checks":
            (check,) = (check for check in plugins.checks() if check.name == "disk")
            assert check.run(board).state in ("ok", "warning")
        case "jobs_settings":
            assert plugins.settings()["hello_greeting"] == "hello"
        case "jobs_commands":
            cli = Cli("jobs")
            plugins.add_commands(cli)
            assert "hello" in cli.commands
        case "jobs_services":
            said: list[str] = []
            before = threading.active_count()
            with running_services(plugins, board, {"web": True, "web_port": None}, said.append):
                assert threading.active_count() == before + 1
            assert said == [f"The greeter greets the board {board.name}"]
            assert threading.active_count() == before
        case "jobs_validate":
            with pytest.raises(PayloadError):
                plugins.validate(Job("a", "hello", ""))
        case "jobs_warnings":
            job, settings = Job("a", "hello", "hello"), {"hello_greeting": "hello"}
            warned = [list(found) for found in hook.jobs_warnings(job=job, settings=settings)]
            assert warned == [["the greeting greets itself"]]
        case "jobs_lint":
            assert plugins.advice(Job("a", "hello", "world")) == [("greets the whole world", "name somebody")]
            assert plugins.advice(Job("a", "hello", "Ada")) == []
        case "jobs_push":
            pushing = Board(board.name, client=board.client, plugins=plugins, validate=False)
            assert f"pushed {pushing.push('hello', 'world')}" in capsys.readouterr().out
        case "jobs_execute":
            plain = Runner("hello", lambda task, context: Outcome.done())
            assert hook.jobs_execute(task=TASK, runner=plain, context=context).status == "done"
            assert lines[0].startswith("took")
        case "jobs_decide":
            decide = hook.jobs_decide
            policy = plugins.policy("ack")
            assert decide(task=TASK, outcome=Outcome.failed(code="teapot"), policy=policy).verb == "dead"
            assert decide(task=TASK, outcome=Outcome.done(), policy=policy).verb == "done"
        case "jobs_event":
            assert plugins.observe("jobs_event", event=Event("task.started", 0, "host-1")) == []
        case "jobs_startup":
            plugins.observe("jobs_startup", context=info)
            assert "host-1 serves hello" in capsys.readouterr().out
        case "jobs_shutdown":
            plugins.observe("jobs_shutdown", context=info, reason="drained")
            assert "host-1 stops: drained" in capsys.readouterr().out
        case _:
            raise AssertionError(f"the hook {name} has no test")


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_the_example_of_every_hook_runs_as_it_stands(
    name: str, board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = Plugins()
    info = plugins.add("example", example(name))
    assert (info.state, info.hooks) == ("ok", [name])
    exercise(name, plugins, board, capsys)


def test_a_failing_observer_does_not_affect_others() -> None:
    class Bad:
        @hookimpl
        def jobs_event(self, event: Event) -> None:
            raise ValueError("oops")

    class Good:
        seen: list[str] = []  # noqa: RUF012

        @hookimpl
        def jobs_event(self, event: Event) -> None:
            self.seen.append(event.kind)

    plugins = Plugins()
    plugins.add("first", Bad())
    plugins.add("good", Good())
    plugins.add("last", Bad())
    raised = plugins.observe("jobs_event", event=Event("task.started", 0, "host-1"))
    assert sorted(name for name, _ in raised) == ["first", "last"]
    assert Good.seen == ["task.started"]


class Observing:
    """A plugin that adds loggers to each worker."""

    def __init__(self, observers: Callable[[WorkerInfo], Iterable[Logger]]) -> None:
        self.observers = observers

    @hookimpl
    def jobs_observers(self, worker: WorkerInfo) -> Iterable[Logger]:
        return self.observers(worker)


def test_an_observer_sees_the_events_of_its_worker_without_any_logger(board: Board) -> None:
    log, own = Recorder(), Board(board.name, client=board.client, plugins=Plugins(), validate=False)
    own.plugins.add("observing", Observing(lambda worker: [log.logger]))
    worker = Worker(own, [runner(lambda task, context: Outcome.done())])
    thread = threading.Thread(target=worker.run)
    thread.start()
    board.push("test", "x")
    log.wait_for("task.finished")
    worker.stop()
    thread.join()
    assert [event.kind for event in log.events if event.task] == ["task.started", "task.finished"]


def test_an_observer_that_fails_keeps_the_worker_from_starting(board: Board) -> None:
    def bad(worker: WorkerInfo) -> Iterator[Logger]:
        raise ValueError("oops")

    def refuse(worker: WorkerInfo) -> None:
        raise OptionError("the port is taken")

    first = Board(board.name, client=board.client, plugins=Plugins(), validate=False)
    first.plugins.add("bad", Observing(bad))
    with pytest.raises(PluginError, match="the plugin 'bad' raised in jobs_observers: ValueError: oops"):
        Worker(first, [])
    second = Board(board.name, client=board.client, plugins=Plugins(), validate=False)
    second.plugins.add("busy", Observing(lambda worker: [Logger("busy", print, open=refuse)]))
    with pytest.raises(OptionError, match="the port is taken"):
        Worker(second, []).run()
    assert list(board.workers()) == []


def test_what_a_failing_logger_leads_to_is_not_told_to_an_observer(
    board: Board, capfd: pytest.CaptureFixture[str]
) -> None:
    """An observer counts, and shows a note to nobody."""

    def fail(event: Event) -> None:
        raise ValueError("disk full")

    log = Recorder()
    own = Board(board.name, client=board.client, plugins=Plugins(), validate=False)
    own.plugins.add("observing", Observing(lambda worker: [log.logger]))
    idle = runner(lambda task, context: Outcome.done())
    worker = Worker(own, [idle], loggers=[Logger("paper", fail)])
    thread = threading.Thread(target=worker.run)
    thread.start()
    log.wait_for("worker.started")
    worker.stop()
    thread.join()
    assert "the logger 'paper' failed: ValueError: disk full" in capfd.readouterr().err
    assert log.of("trouble") == []


def test_a_service_that_fails_is_reported_and_does_not_affect_others(board: Board) -> None:
    class Bad:
        @hookimpl
        def jobs_services(self) -> Iterator[AbstractContextManager[str]]:
            yield failing(OptionError("port: taken"))

    class Worse:
        @hookimpl
        def jobs_services(self) -> Iterator[AbstractContextManager[str]]:
            raise ValueError("s3cret")

    class Good:
        @hookimpl
        def jobs_services(self) -> Iterator[AbstractContextManager[str]]:
            yield nullcontext("it serves")
            yield failing(None, ValueError("at the end"))

    @contextmanager
    def failing(at_start: Exception | None, at_end: Exception | None = None) -> Iterator[str]:
        if at_start:
            raise at_start
        yield "it starts"
        if at_end:
            raise at_end

    plugins, said = Plugins(), []
    for plugin in (Bad(), Worse(), Good()):
        plugins.add(type(plugin).__name__.lower(), plugin)
    with running_services(plugins, board, {}, said.append):
        assert sorted(said) == [
            "bad: port: taken",
            "it serves",
            "it starts",
            "the plugin 'worse' raised in jobs_services: ValueError",
        ]
    assert said[4:] == ["the plugin 'good' raised in jobs_services: ValueError"]


def test_an_unknown_runner_lists_the_known_ones_and_how_to_install_more() -> None:
    with pytest.raises(
        Exception, match=r"no runner 'http' \(available: console\)\. .* `pip install jobs-http`"
    ):
        Plugins().runner("http")
    with pytest.raises(PluginError, match="provided by both"):
        twice = Plugins()
        twice.add("one", Strict())
        twice.add("two", Strict())
        twice.runner("strict")


@pytest.mark.parametrize(
    ("schema", "value", "says"),
    [
        ({"type": ["string", "number", "boolean"]}, [], "expected type string, number or boolean"),
        ({"enum": ["a", "b"]}, "c", "expected one of a, b"),
        ({"const": "a"}, "b", "expected a"),
        ({"minLength": 1, "description": "A name"}, "", "must not be empty (A name)"),
        ({"minLength": 3}, "ab", "expected at least 3 characters"),
        ({"maxLength": 3}, "abcd", "expected at most 3 characters"),
        ({"minItems": 1}, [], "must not be empty"),
        ({"minItems": 2, "maxItems": 2}, [1], "expected 2 items"),
        ({"minItems": 2, "maxItems": 2}, [1, 2, 3], "expected 2 items"),
        ({"minItems": 2}, [1], "expected at least 2 items"),
        ({"maxItems": 2}, [1, 2, 3], "expected at most 2 items"),
        ({"minProperties": 1}, {}, "must not be empty"),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "expected at most 1 keys"),
        ({"uniqueItems": True}, [1, 1], "expected items that all differ"),
        ({"contains": {"const": 1}}, [2], "lacks an item that its runner expects"),
        ({"minimum": -20, "maximum": 19}, 20, "expected a number from -20 to 19"),
        ({"minimum": 0}, -1, "expected a number of at least 0"),
        ({"maximum": 9}, 10, "expected a number of at most 9"),
        ({"exclusiveMinimum": 0}, 0, "expected a number above 0"),
        ({"exclusiveMaximum": 9}, 9, "expected a number below 9"),
        ({"multipleOf": 5}, 6, "expected a multiple of 5"),
        (
            {"pattern": "^0?[0-7]+$", "description": "In octal"},
            "9",
            "does not have the expected form (In octal)",
        ),
        ({"pattern": "^a$"}, "b", "expected text that matches ^a$"),
        ({"format": "date"}, "b", "expected text in the format date"),
        ({"anyOf": [{"const": 1}, {"const": 2}]}, 3, "has none of the forms that are allowed"),
        ({"oneOf": [{"const": 1}, {"minimum": 0}]}, 1, "must have exactly one of the forms that are allowed"),
        ({"not": {"const": 1}}, 1, "has a form that is not allowed"),
        ({"dependencies": {"a": ["b"]}}, {"a": 1}, "has a key that needs another key beside it"),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "has a key with a name that is not allowed"),
    ],
)
def test_every_rule_of_a_schema_is_said_in_plain_words(schema: Any, value: Any, says: str) -> None:
    runner = Runner("x", lambda task, context: Outcome.done(), schema={"properties": {"a": schema}})
    with pytest.raises(PayloadError) as caught:
        check_payload(runner, {"a": value})
    assert str(caught.value) == f"invalid payload for the x runner: a: {says}"


def test_an_empty_command_is_said_in_plain_words(jobs: Jobs) -> None:
    for words in (("push", "shell", ""), ("put", "a", "shell", "")):
        result = jobs(*words)
        assert result.exit_code == 2
        assert "line: must not be empty (Command line for the shell)" in result.stderr
