"""Jobs compared with other systems: the same tasks, on the same server, in the same run."""
