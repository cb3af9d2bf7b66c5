"""How operations begin and end in the tables: everything that one makes true, in one transaction."""

from __future__ import annotations

from attrs import define, frozen

from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Running
from hyperhive.limits import RestartPolicy
from hyperhive.services import verdicts
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.services.leases import GiveBack, GivenBack
from hyperhive.services.restart_policy import restarts_after_crash, went_down
from hyperhive.store import (
    agents,
    approvals,
    configs,
    dead_letters,
    harnesses,
    held,
    operations,
    reminders,
    restarts,
    turns,
)
from hyperhive.store.database import Connection
from hyperhive.wire import events
from hyperhive.wire.names import SYSTEM
from hyperhive.wire.records import Operation
from hyperhive.wire.states import OperationKind, OperationState

STARTING = frozenset({OperationKind.SPAWN, OperationKind.START, OperationKind.RESTART, OperationKind.REBUILD})
LEAVING = frozenset(
    {
        OperationKind.STOP,
        OperationKind.RESTART,
        OperationKind.REBUILD,
        OperationKind.DESTROY,
        OperationKind.DEPLOY,
    }
)


@frozen(kw_only=True)
class Work:
    """An operation as it is carried out.

    `flag`: destroy purges, stop is without grace; `resumed`: an earlier daemon began it, and counted `start` for it;
    `undoing`: why what it did is being undone.
    """

    operation: Operation
    flag: bool
    resumed: bool = False
    start: int | None = None
    undoing: str | None = None

    @property
    def kind(self) -> OperationKind:
        """What is done."""
        return self.operation.kind

    @property
    def agent(self) -> str:
        """To whom."""
        return self.operation.agent


@frozen(kw_only=True)
class Begun:
    """What stood in the tables when the work began.

    `starts`: the agent is to be started; `was_wanted`: it should have run and had not failed.
    """

    starts: bool
    existed: bool
    was_wanted: bool


@define(kw_only=True)
class Ended:
    """How the work ended.

    `left`: the agent's container was seen to be stopped; `start`: which start of it was counted after that, `origin`
    what that was made from, None where that can't be known, and `came_up` that it did; `deployed`: the commit that its
    next starts are made from, and what that says (`config`); `runs`: the agent runs although the operation failed.
    """

    state: OperationState
    error: str | None = None
    left: bool = False
    start: int | None = None
    origin: str | None = None
    deployed: str | None = None
    config: AgentConfig = AgentConfig()
    came_up: bool = False
    runs: bool = False


def begin(connection: Connection, work: Work, now: int, *, runs: Running | None) -> Begun:
    """Mark the operation running. `runs`: what runs of the agent now, be it a start of ours or not.

    Whatever anybody but `system` begins ends what the restart policy owes the agent, and its count begins anew.
    """
    if work.operation.requested_by != SYSTEM:
        restarts.forget(connection, work.agent)
    agent = agents.found(connection, work.agent)
    existed = agent is not None and agent.present
    wanted = agent is not None and agent.wanted in {agents.RUNNING, agents.RESUME}
    was_wanted = agent is not None and wanted and not agent.failed
    operations.begin(connection, work.operation.id, now)
    starts = work.kind in STARTING
    runs_as_we_started_it = runs is not None and agent is not None and runs.generation == agent.generation
    if work.kind is OperationKind.START and runs_as_we_started_it:
        starts = False
    if work.kind is OperationKind.REBUILD and runs is None and not wanted:
        starts = False
    if work.kind is OperationKind.DEPLOY:
        starts = existed and (wanted or (agent is not None and agent.failed))
    return Begun(starts=starts, existed=existed, was_wanted=was_wanted)


def count_start(connection: Connection, work: Work, give_back: GiveBack) -> tuple[int, GivenBack]:
    """Count one more start of an agent that does not run, on disk before anything is started; its number.

    What the start before held goes back in the same breath, so that nothing of the new one is taken for it.
    """
    given_back = give_back(connection)
    start = agents.begin_start(connection, work.agent)
    operations.set_start(connection, work.operation.id, start)
    return start, given_back


def end(
    connection: Connection,
    work: Work,
    begun: Begun,
    ended: Ended,
    give_back: GiveBack,
    policy: RestartPolicy,
    now: float,
) -> tuple[Effects, GivenBack | None]:
    """Write how the work ended: the operation, the agent, its mail, the approvals it carried out, the events.

    Returns what is to be announced, and the agent's leased mail where its container has left.
    """
    effects, at = Effects(), int(now)
    operations.end(connection, work.operation.id, ended.state, ended.error, at)
    if ended.came_up:
        configs.built(connection, work.agent, ended.origin)
        verdicts.withdraw_updates_of(connection, effects, work.agent, at)
    if ended.state is OperationState.SUCCEEDED:
        _succeeded(connection, work, begun, ended)
    else:
        _failed(connection, work, begun, ended)
        _tried_again(connection, effects, work, ended, policy, now)
    given_back = give_back(connection) if ended.left and ended.start is None else None
    event = _event(work, begun, ended)
    if event is not None:
        effects.tell_manager(connection, event, at)
    verdicts.resolve_with_operation(connection, effects, work.operation.id, ended.state, ended.error, at)
    if ended.deployed is not None:
        waiting = approvals.undecided_of(connection, work.agent)  # which were shown against what ran before
        effects.rows += [(Kind.APPROVAL, approval.id, None) for approval in waiting]
    if work.kind is OperationKind.DESTROY and ended.state is OperationState.SUCCEEDED:
        _leave_nothing_open(connection, effects, work, at)
    effects.rows += [(Kind.OPERATION, work.operation.id, None), (Kind.AGENT, work.agent, work.agent)]
    return effects, given_back


def _succeeded(connection: Connection, work: Work, begun: Begun, ended: Ended) -> None:
    if ended.deployed is not None:
        configs.deploy(connection, work.agent, ended.deployed, ended.config)
    if work.kind is OperationKind.DESTROY:
        agents.is_destroyed(connection, work.agent)
    elif work.kind is OperationKind.STOP:
        agents.is_stopped(connection, work.agent)
    elif begun.starts or work.kind is OperationKind.START:
        agents.is_running(connection, work.agent)
        by_policy = restarts.made_by(connection, work.operation.id)
        if by_policy or (work.kind in LEAVING and begun.was_wanted):
            agents.count_restart(connection, work.agent)


def _failed(connection: Connection, work: Work, begun: Begun, ended: Ended) -> None:
    if ended.runs:
        agents.is_running(connection, work.agent)
        return
    down = ended.left or ended.start is not None or work.kind is OperationKind.START
    if begun.starts and down:
        agents.start_failed(connection, work.agent, ended.error)
    elif ended.left:
        agents.is_stopped(connection, work.agent)


def _tried_again(
    connection: Connection, effects: Effects, work: Work, ended: Ended, policy: RestartPolicy, now: float
) -> None:
    """Have a start that the hive itself wanted tried again; whoever else wanted it hears why it failed, and decides."""
    by_itself = work.kind is OperationKind.START and work.operation.requested_by == SYSTEM
    if by_itself and restarts_after_crash(connection, policy, work.agent):
        why = ended.error or "it could not be started"
        agents.start_failed(connection, work.agent, why, agents.RUNNING)
        went_down(connection, effects, policy, work.agent, why, now)


def _leave_nothing_open(connection: Connection, effects: Effects, work: Work, at: int) -> None:
    """Nobody waits for an agent that is destroyed; one that is purged is forgotten, and its mail buried."""
    verdicts.fail_approvals_of(connection, effects, work.agent, "agent destroyed", at)
    verdicts.cancel_questions_of(connection, effects, work.agent, SYSTEM, at)
    if not work.flag:
        return
    for table in (configs, reminders, turns, harnesses):
        table.forget(connection, work.agent)
    why = f"'{work.agent}' was purged"
    effects.told.extend(dead_letters.bury_inbox(connection, work.agent, why, at))
    effects.told.extend(held.bury_held(connection, work.agent, why, at))


def _event(work: Work, begun: Begun, ended: Ended) -> events.HelperEvent | None:
    """What the manager hears of it."""
    succeeded = ended.state is OperationState.SUCCEEDED
    match work.kind:
        case OperationKind.SPAWN:
            return events.Spawned(agent=work.agent, ok=succeeded, note=ended.error)
        case OperationKind.REBUILD:
            return events.Rebuilt(agent=work.agent, ok=succeeded, note=ended.error)
        case OperationKind.DEPLOY:
            note = None if begun.starts else "it does not run; its next start is made from that"
            return events.Rebuilt(agent=work.agent, ok=succeeded, note=ended.error or note, sha=ended.deployed)
        case OperationKind.INIT_CONFIG if succeeded:
            return events.ConfigReady(work.agent)
        case OperationKind.STOP if succeeded and begun.was_wanted:
            return events.Killed(agent=work.agent)
        case OperationKind.DESTROY if succeeded and begun.existed:
            return events.Destroyed(agent=work.agent)
        case _:
            return None
