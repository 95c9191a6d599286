"""Workers as services of systemd: their units, and where these are kept. `jobs service` is made of it."""

from jobs_core.service.files import Installed, install, places_of, remove, require_systemd
from jobs_core.service.unit import Service, unit

__all__ = ["Installed", "Service", "install", "places_of", "remove", "require_systemd", "unit"]
