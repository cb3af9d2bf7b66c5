"""`hivectl`, the operator's command line: a command becomes an errand, the daemon's answer becomes a page."""
