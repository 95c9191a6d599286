"""What the environment says of exporters. Imports no OpenTelemetry, because every worker asks."""

from __future__ import annotations

import os

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def exporters() -> list[str]:
    """Return the names of the exporters in OTEL_TRACES_EXPORTER: `otlp` if only its endpoint is set.

    OpenTelemetry would export to this machine without any variable. Then an installed plugin would fail on
    every machine without a collector.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    named = os.environ.get("OTEL_TRACES_EXPORTER", "")
    if not named.strip():
        return ["otlp"] if any(os.environ.get(name) for name in ENDPOINTS) else []
    return [name.strip() for name in named.split(",") if name.strip() not in ("", "none")]
