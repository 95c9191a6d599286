"""The documentation; `python -m docs` writes the parts of it that are made from the code."""
