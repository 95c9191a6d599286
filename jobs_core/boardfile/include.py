"""Find the files that a board file includes."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from jobs_core.errors import OptionError

OUTSIDE = "it lies outside the directory of this file; move it there, or pass --include-outside"


def included_files(pattern: str, folder: Path, *, outside: bool) -> list[Path]:
    """Return the files that a pattern names, sorted. It is relative to `folder`, and may have * and ?.

    Args:
        pattern: The path or pattern.
        folder: The directory of the file that includes them.
        outside: Also accept files that are not below `folder`, once all symbolic links are resolved.

    Raises:
        OptionError: A file lies outside.
    """
    # Compare the text first, so that nothing outside is even looked for.
    if not outside and not _is_below(Path(os.path.normpath(folder.absolute() / pattern)), folder.absolute()):
        raise OptionError(OUTSIDE)
    # Unlike Path.glob, this also accepts absolute paths.
    names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207
    files = [folder / name for name in names if not (folder / name).is_dir()]
    for file in files:
        if not outside and not _is_below(file.resolve(), folder.resolve()):
            raise OptionError(OUTSIDE)
    return files


def _is_below(path: Path, folder: Path) -> bool:
    return path.is_relative_to(os.path.normpath(folder))
