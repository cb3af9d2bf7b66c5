"""`python -m testhost` (`make test-host`): a real systemd in a throw-away container, and `tests/host/` run on it."""
