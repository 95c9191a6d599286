"""Alerts: rules that tell somebody, and what they tell. No Redis here."""

from __future__ import annotations

from jobs_core.alerts.digest import Digest, JobDigest
from jobs_core.alerts.facts import Facts
from jobs_core.alerts.message import Message
from jobs_core.alerts.rule import Alert, Incident, alert_json, incident_json

__all__ = ["Alert", "Digest", "Facts", "Incident", "JobDigest", "Message", "alert_json", "incident_json"]
