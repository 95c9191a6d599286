"""The pipes of a command."""

from __future__ import annotations

import os


class Pipes:
    """Pipes for the standard input, output and error of a command: the worker's ends and the far ends.

    Plain descriptors: `Popen` would wrap each in a file object that nobody needs.

    Raises: OSError if this process may not open six more.

    >>> pipes = Pipes()
    >>> pipes.input, pipes.output, pipes.error, pipes.far_ends
    (4, 5, 7, (3, 6, 8))
    """

    def __init__(self) -> None:
        self._open: list[int] = []
        try:
            for _ in range(3):
                self._open += os.pipe()
        except OSError:
            self.close()
            raise
        stdin, self.input, self.output, stdout, self.error, stderr = self._open
        self.far_ends = stdin, stdout, stderr

    def close(self, *descriptors: int) -> None:
        """Close these ends, or all of them if none is given. Closing an end twice does nothing."""
        for descriptor in descriptors or tuple(self._open):
            if descriptor in self._open:
                self._open.remove(descriptor)
                os.close(descriptor)
