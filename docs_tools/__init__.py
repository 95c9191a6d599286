"""The tools of the documentation; `python -m docs_tools` writes the pages that are made from the code."""
