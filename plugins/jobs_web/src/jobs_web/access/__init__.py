"""Who may use a board through the page and the API: tokens, sessions, links, and users that a proxy names."""
