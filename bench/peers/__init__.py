"""Jobs beside other systems: the same tasks, on the same server, in the same run."""
