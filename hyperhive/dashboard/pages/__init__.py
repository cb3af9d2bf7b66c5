"""The console's pages, one file each: what they show, and what their forms do. To import this is to have them all."""

from hyperhive.dashboard.pages import approvals, entrance, home, ledger, mail, message, questions, settings

__all__ = ["approvals", "entrance", "home", "ledger", "mail", "message", "questions", "settings"]
