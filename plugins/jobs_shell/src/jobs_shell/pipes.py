"""The pipes of a command, and one that wakes its thread."""

from __future__ import annotations

import os


class Pipes:
    """Pipes for standard input, output and error of a command: the worker's ends and the far ends.

    A fourth pipe makes `awake` readable after `wake`. All ends are plain file descriptors, because the file
    objects of `Popen` are not needed.

    Raises OSError if this process cannot open eight more descriptors.

    >>> pipes = Pipes()
    >>> pipes.input, pipes.output, pipes.error, pipes.far_ends
    (4, 5, 7, (3, 6, 8))
    """

    def __init__(self) -> None:
        self._open: list[int] = []
        try:
            for _ in range(4):
                self._open += os.pipe()
        except OSError:
            self.close()
            raise
        stdin, self.input, self.output, stdout, self.error, stderr, self.awake, self._waker = self._open
        self.far_ends = stdin, stdout, stderr

    def wake(self) -> None:
        """Wake the thread that polls `awake`."""
        os.write(self._waker, b"\n")

    def close(self, *descriptors: int) -> None:
        """Close these ends, or all if none is given. Closing an end twice has no effect."""
        for descriptor in descriptors or tuple(self._open):
            if descriptor in self._open:
                self._open.remove(descriptor)
                os.close(descriptor)
