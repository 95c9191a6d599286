"""Cron patterns, read and put in English."""
