"""What the console says of the hive itself: where its things are, and the bounds in force."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from hyperhive.layout import Layout
from hyperhive.limits import MailLimits, RestartPolicy
from hyperhive.wire.records import Console


@frozen(kw_only=True)
class Facts:
    """The settings that an operator wants to see; `console` says where the console is now.

    `network` is that of an agent whose configuration names none.
    """

    layout: Layout
    mail: MailLimits
    restart: RestartPolicy
    network: str
    console: Callable[[], Console]
