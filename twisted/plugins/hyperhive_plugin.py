"""Makes `twistd hyperhive` known to Twisted; the work is done in `hyperhive.tap`."""

from __future__ import annotations

from twisted.application.service import ServiceMaker

hyperhive = ServiceMaker("hyperhive", "hyperhive.tap", "The host daemon of a hive of coding agents.", "hyperhive")
