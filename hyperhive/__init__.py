"""A host daemon that keeps a hive of coding agents: their mail, approvals, questions and processes."""

__version__ = "0.1.0"
