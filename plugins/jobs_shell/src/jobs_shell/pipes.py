"""The pipes of a command, and one that wakes the thread which follows it."""

from __future__ import annotations

import os


class Pipes:
    """Pipes for the standard input, output and error of a command: the worker's ends and the far ends.

    A fourth makes `awake` readable once another thread calls `wake`. Plain descriptors: `Popen` would wrap
    each in a file object that nobody needs.

    Raises: OSError if this process may not open eight more.

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
        """Wake whoever polls `awake`."""
        os.write(self._waker, b"\n")

    def close(self, *descriptors: int) -> None:
        """Close these ends, or all of them if none is given. Closing an end twice does nothing."""
        for descriptor in descriptors or tuple(self._open):
            if descriptor in self._open:
                self._open.remove(descriptor)
                os.close(descriptor)
