"""The worker: take tasks, run them, and report the outcomes."""
