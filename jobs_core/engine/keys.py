"""The names of a board's keys. All have one hash tag, so that a board lives in one hash slot."""

from __future__ import annotations


class Keys:
    """The keys of the board `name`: `Keys("jobs").schedule == "{jobs}:schedule"`."""

    def __init__(self, name: str) -> None:
        self.board = name
        self.tag = f"{{{name}}}"
        self.job = f"{self.tag}:job"
        self.schedule = f"{self.tag}:schedule"
        self.delayed = f"{self.tag}:delayed"
        self.leased = f"{self.tag}:leased"
        self.task = f"{self.tag}:task"
        self.dead = f"{self.tag}:dead"
        self.failing = f"{self.tag}:failing"
        self.history = f"{self.tag}:history"
        self.stats = f"{self.tag}:stats"
        self.runners = f"{self.tag}:runners"
        self.workers = f"{self.tag}:workers"
        self.settings = f"{self.tag}:settings"
        self.bad = f"{self.tag}:bad"
        self.layout = f"{self.tag}:layout"
        self.commands = f"{self.tag}:commands"
        self.wake = f"{self.tag}:wake"
        self.limits = f"{self.tag}:limits"
        self.lengths = f"{self.tag}:lengths"
        self.owners = f"{self.tag}:owners"
        self.held_limits = f"{self.tag}:held"
        self.cancelling = f"{self.tag}:cancelling"
        self.zones = f"{self.tag}:zones"
        self.ran = f"{self.tag}:runs"
        self.queues = f"{self.tag}:queues"

    def partitions(self, count: int) -> list[Keys]:
        """Return the keys of each partition, if the board has so many."""
        return [Keys(f"{self.board}.{number}") for number in range(count)]

    def queue(self, name: str) -> str:
        """Return the list of tasks that wait in a queue."""
        return f"{self.tag}:queue:{name}"

    def held(self, limit: str) -> str:
        """Return the list of tasks that a limit, such as `runner:http`, holds."""
        return f"{self.tag}:held:{limit}"

    def output(self, task: str) -> str:
        """Return the stream of a task's output and result."""
        return f"{self.tag}:output:{task}"

    def inbox(self, worker: str) -> str:
        """Return the list of tokens whose tasks a worker must cancel."""
        return f"{self.tag}:inbox:{worker}"

    def wake_queue(self, name: str) -> str:
        """Return the list that workers of a queue block on."""
        return f"{self.tag}:wake:{name}"
