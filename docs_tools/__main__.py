"""Write the pages that are made from the code, and the JSON Schema of board files: `scripts/docs`."""

from __future__ import annotations

from docs_tools.pages import written

if __name__ == "__main__":
    for path, text in written().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
