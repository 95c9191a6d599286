"""Write the generated pages and the JSON Schema of board files: `scripts/docs`.

With `--check` it writes nothing, names the pages that are out of date, and exits with 1 if there are any.
"""

from __future__ import annotations

import sys

from docs_tools.pages import DOCS, written

if __name__ == "__main__":
    if "--check" in sys.argv:
        stale = [path for path, text in written().items() if path.read_text("utf-8") != text]
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is out of date: run scripts/docs", file=sys.stderr)
        sys.exit(bool(stale))
    for path, text in written().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
