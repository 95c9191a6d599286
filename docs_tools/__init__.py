"""Documentation tools. `python -m docs_tools` writes the generated pages."""
