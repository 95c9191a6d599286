"""Small bars in tables: how much of its room a worker uses, and how far a task is."""

from __future__ import annotations

from markupsafe import Markup

from jobs_core import RunningTask
from jobs_core.plugin_ui import duration_text

WIDTH, HEIGHT = 70, 10
"""Of a bar, in units of the drawing."""


def load_bar(running: int | None, concurrency: int | None) -> Markup:
    """Draw how many of the tasks that a worker can run at once it runs."""
    if not concurrency:
        return Markup("–")  # noqa: RUF001
    return _bar((running or 0) / concurrency, "running", f"{running or 0} of {concurrency}")


def task_bar(task: RunningTask, now: float) -> Markup:
    """Draw how far a task is: by its progress, or by how much of its timeout has passed, as far as known."""
    if task.since is None:
        return Markup("")
    took = max(0.0, now - task.since)
    text = duration_text(took)
    if task.progress is not None:
        return _bar(task.progress / 100, "progress", f"{text}, {task.progress:g} %")
    if task.timeout:
        return _bar(took / task.timeout, "running", f"{text} of {duration_text(task.timeout)}")
    return Markup("{}").format(text)


def _bar(share: float, kind: str, text: str) -> Markup:
    """Draw a part of a whole. The text beside the bar says the same."""
    used = WIDTH * min(1.0, max(0.0, share))
    room = Markup('<rect class="room" width="{}" height="{}"/>').format(WIDTH, HEIGHT)
    part = Markup('<rect class="{}" width="{:.1f}" height="{}"/>').format(kind, used, HEIGHT)
    shape = '<svg class="load" width="{}" height="{}" aria-hidden="true">{}{}</svg> {}'
    return Markup(shape).format(WIDTH, HEIGHT, room, part, text)
