"""The console's pages, one file each: what they show, and what their forms do. To import this is to have them all."""

from hyperhive.dashboard.pages import (
    agent,
    agent_configuration,
    agent_operations,
    agents,
    approvals,
    entrance,
    home,
    ledger,
    mail,
    message,
    operations,
    questions,
    settings,
    turn,
)

__all__ = [
    "agent",
    "agent_configuration",
    "agent_operations",
    "agents",
    "approvals",
    "entrance",
    "home",
    "ledger",
    "mail",
    "message",
    "operations",
    "questions",
    "settings",
    "turn",
]
