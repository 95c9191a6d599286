"""What `deploy/` has is valid, and names only what exists: options of the command line, files, versions."""
