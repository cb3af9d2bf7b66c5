"""What the operator is shown of configurations: what a commit changes, what became of each, what stands in one."""

from __future__ import annotations

from hyperhive.services.approvals import Approvals
from hyperhive.services.configurations import Configurations
from hyperhive.wire.responses import HostResponse


async def show_diff(approvals: Approvals, id_: int, against: str | None) -> HostResponse:
    """What the commit of an approval changes, with the approval's row."""
    found = await approvals.diff(id_, against)
    return HostResponse(
        ok=True,
        approvals=(found.approval,),
        diff=found.diff,
        digest=found.digest,
        base=found.base,
        sha=found.approval.sha,
    )


async def show_history(configurations: Configurations, name: str) -> HostResponse:
    """What became of an agent's configuration."""
    return HostResponse(ok=True, config_log=tuple(await configurations.history(name)))


async def show_files(configurations: Configurations, name: str, ref: str | None) -> HostResponse:
    """The files of what runs, or of what `ref` names."""
    commit, files = await configurations.files(name, ref)
    return HostResponse(ok=True, sha=commit, files=files)
