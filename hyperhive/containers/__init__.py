"""Backends: where agents run, each behind `boundaries.IContainers`."""
