"""The faults. Each begins, lasts, and ends by itself; several are active at once."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from torture.stage import Stage
from torture.work import LEASE

Fault = Callable[[Any, random.Random], None]
"""Is called with the stage, and with what decides."""

WORKERS = ("worker", "ticking-worker")
ALL_AT_ONCE = 6
"""Maximum number of active faults."""

FEW_FILES = 24, 90
"""How many files a worker may open that is short of them. It needs about 20 itself, and 10 for a command."""


def named(*faults: Fault) -> dict[str, Fault]:
    """Return faults by their names."""
    return {fault.__name__.replace("_", " "): fault for fault in faults}


def kill_worker(stage: Stage, chance: random.Random) -> None:
    """SIGKILL, sometimes of its guardian, too. The fleet starts another worker."""
    worker = stage.fleet.choose(chance, *WORKERS)
    if chance.random() < 0.3:
        worker.kill_guardian()
    worker.send(signal.SIGKILL)


def drain_worker(stage: Stage, chance: random.Random) -> None:
    """SIGTERM, sometimes twice. The fleet starts another worker."""
    worker = stage.fleet.choose(chance, *WORKERS)
    worker.send(signal.SIGTERM)
    if chance.random() < 0.3:
        stage.over.wait(chance.uniform(0, 1))
        worker.send(signal.SIGTERM)


def stop_worker(stage: Stage, chance: random.Random) -> None:
    """SIGSTOP for longer than a lease, then SIGCONT."""
    worker = stage.fleet.choose(chance, *WORKERS)
    worker.send(signal.SIGSTOP)
    stage.over.wait(seconds(chance))
    worker.send(signal.SIGCONT)


def block_output(stage: Stage, chance: random.Random) -> None:
    """Leave a worker's standard output unread, until its pipe is full and longer."""
    worker = stage.fleet.choose(chance, *WORKERS)
    worker.is_read.clear()
    stage.over.wait(chance.uniform(3, 15))
    worker.is_read.set()


def limit_files(stage: Stage, chance: random.Random) -> None:
    """Restart a worker with too few files for its concurrency, and later with enough."""
    worker = stage.fleet.choose(chance, *WORKERS)
    for files in (chance.randint(*FEW_FILES), None):
        worker.files = files
        worker.send(signal.SIGTERM)
        stage.over.wait(chance.uniform(5, 15))


def kill_clock(stage: Stage, chance: random.Random) -> None:
    """SIGKILL a clock."""
    stage.fleet.choose(chance, "clock").send(signal.SIGKILL)


def flush_engine(stage: Stage, chance: random.Random) -> None:
    """FUNCTION FLUSH and SCRIPT FLUSH."""
    stage.admin(lambda client: (client.function_flush(), client.script_flush()))


def kill_clients(stage: Stage, chance: random.Random) -> None:
    """CLIENT KILL every connection but our own."""
    stage.admin(lambda client: client.client_kill_filter(_type="normal", skipme=True))


def pause_clients(stage: Stage, chance: random.Random) -> None:
    """CLIENT PAUSE, sometimes for longer than a lease."""
    seconds = chance.choice((0.2, 0.5, 1, LEASE * 1.3))
    stage.admin(lambda client: client.client_pause(round(seconds * 1000), all=chance.random() < 0.7))


def fill_server(stage: Stage, chance: random.Random) -> None:
    """Leave the server without memory for a while, so that it rejects writes."""
    stage.admin(lambda client: client.config_set("maxmemory", "1mb"))
    stage.over.wait(chance.uniform(0.2, 1.5))
    stage.admin(lambda client: client.config_set("maxmemory", 0))


def seconds(chance: random.Random) -> float:
    """Return how long a fault lasts: somewhat longer than a lease, or sometimes up to a minute."""
    return chance.uniform(10, 60) if chance.random() < 0.1 else LEASE * chance.uniform(1.2, 3)


COMMON = named(
    *(kill_worker, drain_worker, stop_worker, kill_clock, block_output, limit_files),
    *(flush_engine, kill_clients, pause_clients, fill_server),
)
"""The faults of processes, and of servers wherever they are."""


class Storm:
    """Random faults, alone and in combination."""

    def __init__(self, stage: Stage, faults: Mapping[str, Fault], chance: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.failed: list[str] = []
        self._stage = stage
        self._faults = faults
        self._chance = chance
        self._room = threading.Semaphore(ALL_AT_ONCE)
        self._threads: list[threading.Thread] = []

    def run(self, count: int, seconds: float) -> None:
        """Inject `count` faults over `seconds`, each kind at least once if `count` allows."""
        known = list(self._faults)
        names = known * (count // len(known)) + self._chance.sample(known, count % len(known))
        self._chance.shuffle(names)
        for name in names:
            if self._stage.over.wait(self._chance.expovariate(count / seconds)):
                break
            self._inject(name)

    def end(self) -> None:
        """Wait until every fault has ended, and heal what is left."""
        self._stage.over.set()
        for thread in self._threads:
            thread.join()
        self._stage.heal()

    def _inject(self, name: str) -> None:
        self._room.acquire()
        self.counts[name] += 1
        chance = random.Random(self._chance.random())
        thread = threading.Thread(target=self._run_fault, args=(name, chance))
        self._threads.append(thread)
        thread.start()

    def _run_fault(self, name: str, chance: random.Random) -> None:
        try:
            self._faults[name](self._stage, chance)
        except Exception as error:  # a fault that fails tests nothing
            self.failed.append(f"{name}: {type(error).__name__}: {error}")
        finally:
            self._room.release()
