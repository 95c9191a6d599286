"""Parse cron patterns, and explain them in English."""
