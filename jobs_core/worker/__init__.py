"""Taking tasks, running them, and reporting what came of them."""
