"""The daemon's services: broker, approvals, questions and lifecycle."""
