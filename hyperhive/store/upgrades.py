"""The tables, as a list of upgrades; the database's version (`PRAGMA user_version`) is how many were applied."""

from __future__ import annotations

from typing import Final

_FIRST: Final = """
-- Everybody who can have mail, destroyed agents included: their mail is kept for their return.
CREATE TABLE agents (
    name         TEXT PRIMARY KEY,
    present      INTEGER NOT NULL,            -- 0: destroyed, or not yet spawned
    wanted       TEXT    NOT NULL,            -- 'running', 'stopped'; 'resume': stopped by the daemon's own end
    generation   INTEGER NOT NULL DEFAULT 0,  -- counts the starts
    failed       INTEGER NOT NULL DEFAULT 0,  -- 1: stopped, and nobody had asked for that
    failure      TEXT,                        -- why, where that is known
    paused       INTEGER NOT NULL DEFAULT 0,
    restarts     INTEGER NOT NULL DEFAULT 0,
    queued       INTEGER NOT NULL DEFAULT 0,  -- messages queued, kept by the triggers below
    queued_bytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What agents say they are doing; apart from `agents`, whose rows change with every message.
CREATE TABLE status_texts (
    name   TEXT PRIMARY KEY,
    text   TEXT    NOT NULL,
    set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the daemon must remember of itself.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    id          INTEGER PRIMARY KEY,          -- never given twice, as the newest row is never swept
    sender      TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    sent_at     INTEGER NOT NULL,
    state       INTEGER NOT NULL,             -- 0 queued, 1 leased, 2 done, 3 dead, 4 held
    in_reply_to INTEGER,
    via         TEXT,                         -- 'self': the operator's words, but typed in the agent's container
    redelivered INTEGER NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,   -- the ones spent
    lease       INTEGER,                      -- which take leased it
    generation  INTEGER,                      -- which start of the recipient may settle it
    settled_at  INTEGER,
    reason      TEXT                          -- why it is dead
) STRICT;
-- Each index ends with the row's id, so that it yields messages in their order. A partial one is used only where
-- the very same condition stands in the query: SQLite does not see that `state = 0` implies `state < 2`.
CREATE INDEX messages_queued    ON messages (recipient) WHERE state = 0;
CREATE INDEX messages_leased    ON messages (recipient) WHERE state = 1;
CREATE INDEX messages_dead      ON messages (state) WHERE state = 3;
CREATE INDEX messages_recipient ON messages (recipient);
CREATE INDEX messages_sender    ON messages (sender);

CREATE TRIGGER message_added AFTER INSERT ON messages WHEN NEW.state = 0 BEGIN
    UPDATE agents SET queued = queued + 1, queued_bytes = queued_bytes + length(CAST(NEW.body AS BLOB))
    WHERE name = NEW.recipient;
END;
CREATE TRIGGER message_moved AFTER UPDATE OF state ON messages WHEN (OLD.state = 0) <> (NEW.state = 0) BEGIN
    UPDATE agents SET
        queued = queued + (NEW.state = 0) - (OLD.state = 0),
        queued_bytes = queued_bytes + length(CAST(NEW.body AS BLOB)) * ((NEW.state = 0) - (OLD.state = 0))
    WHERE name = NEW.recipient;
END;

CREATE TABLE operations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    agent        TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    flag         INTEGER NOT NULL DEFAULT 0,  -- destroy: purge; stop: at once, without grace
    state        TEXT    NOT NULL,
    requested_by TEXT    NOT NULL,
    queued_at    INTEGER NOT NULL,
    started_at   INTEGER,
    ended_at     INTEGER,
    error        TEXT,
    start        INTEGER                      -- which start of the agent it makes, once that is counted
) STRICT;
CREATE INDEX operations_open ON operations (agent, id) WHERE state IN ('queued', 'running');

CREATE TABLE approvals (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    agent        TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    commit_ref   TEXT    NOT NULL,
    description  TEXT,
    requested_by TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    status       TEXT    NOT NULL,
    decided_at   INTEGER,
    decided_by   TEXT,
    operation    INTEGER REFERENCES operations (id),
    resolved_at  INTEGER,
    note         TEXT
) STRICT;
CREATE INDEX approvals_pending ON approvals (id) WHERE status = 'pending';
CREATE INDEX approvals_operation ON approvals (operation) WHERE operation IS NOT NULL;

CREATE TABLE questions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    asker       TEXT    NOT NULL,
    target      TEXT,                         -- absent: the operator
    question    TEXT    NOT NULL,
    options     TEXT    NOT NULL,             -- a JSON list
    multi       INTEGER NOT NULL,
    asked_at    INTEGER NOT NULL,
    deadline_at INTEGER,
    status      TEXT    NOT NULL,
    answer      TEXT,
    answered_at INTEGER,
    answered_by TEXT
) STRICT;
CREATE INDEX questions_open ON questions (deadline_at) WHERE status = 'open';
"""

_SECOND: Final = """
-- Restarts by policy since anybody else last had a hand in the agent: those made, and the one owed, of which there is
-- at most one an agent.
CREATE TABLE policy_restarts (
    id        INTEGER PRIMARY KEY,
    agent     TEXT NOT NULL,
    at        REAL NOT NULL,                  -- when it is due; once made, when that was
    operation INTEGER REFERENCES operations (id)  -- absent: owed
) STRICT;
CREATE UNIQUE INDEX policy_restarts_owed ON policy_restarts (agent) WHERE operation IS NULL;

-- The first version had no other backend.
INSERT INTO facts (name, value) SELECT 'containers', 'local' WHERE EXISTS (SELECT 1 FROM agents);
"""

_THIRD: Final = """
-- What each agent is made from; of those too who are destroyed, or whose repositories were made before them.
CREATE TABLE configs (
    agent      TEXT PRIMARY KEY,
    deployed   TEXT    NOT NULL,              -- the commit of its next start
    restart    TEXT,                          -- what that commit says of restarts; absent: nothing
    recipients TEXT,                          -- to whom it lets the agent write, a line each; absent: to everybody
    messages   INTEGER,                       -- how many messages, absent: any number,
    seconds    INTEGER,                       -- and within what time
    mounts     TEXT    NOT NULL DEFAULT '',   -- what of the host it shows, a line each: 'rw /path', 'ro /path'
    built_from TEXT,                          -- what its last start was made from, as the backend says it, if known
    stale      INTEGER NOT NULL DEFAULT 0,    -- 1: a start now would be made from something else
    asked      TEXT                           -- for which such thing the operator was asked
) STRICT, WITHOUT ROWID;

-- Of a commit: to which it was pinned, and against which one it was shown.
ALTER TABLE approvals ADD COLUMN sha TEXT;
ALTER TABLE approvals ADD COLUMN base TEXT;
ALTER TABLE approvals ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;  -- 1: its repository lacks what became of it
CREATE INDEX approvals_untold ON approvals (id) WHERE untold = 1;

CREATE INDEX questions_asker ON questions (asker);

ALTER TABLE operations ADD COLUMN undoing TEXT;  -- why what a deploy did is being undone
"""

_FOURTH: Final = """
-- Conversations: the message that began one (absent: this one did), and how many replies between agents led here since
-- the operator last had a word in it.
ALTER TABLE messages ADD COLUMN thread INTEGER;
ALTER TABLE messages ADD COLUMN hops INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN turn INTEGER;  -- in which turn of its recipient it was last leased
CREATE INDEX messages_hops ON messages (thread) WHERE hops > 0;
CREATE INDEX messages_held ON messages (thread) WHERE state = 4;

-- Conversations that went round too often, until they are released.
CREATE TABLE held_threads (
    thread  INTEGER PRIMARY KEY,
    agents  TEXT    NOT NULL,                 -- a JSON list
    note    TEXT    NOT NULL,
    held_at INTEGER NOT NULL
) STRICT;

CREATE TABLE reminders (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    agent   TEXT    NOT NULL,
    message TEXT    NOT NULL,
    made_at INTEGER NOT NULL,
    due_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX reminders_due   ON reminders (due_at);
CREATE INDEX reminders_agent ON reminders (agent);

CREATE TABLE turns (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    agent      TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    runner     TEXT    NOT NULL,
    messages   TEXT    NOT NULL,              -- a JSON list: the mail that it began with
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    outcome    TEXT,
    error      TEXT,
    usage      TEXT    NOT NULL DEFAULT '{}', -- a JSON object
    events     INTEGER NOT NULL DEFAULT 0,    -- how many of its stream were kept,
    bytes      INTEGER NOT NULL DEFAULT 0     -- and of how many bytes
) STRICT;
CREATE UNIQUE INDEX turns_open ON turns (agent) WHERE ended_at IS NULL;
CREATE INDEX turns_agent ON turns (agent);

-- What a runner wrote in a turn; kept for days, the turns themselves for good.
CREATE TABLE turn_events (
    turn  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    event TEXT    NOT NULL,
    PRIMARY KEY (turn, seq)
) STRICT, WITHOUT ROWID;

-- Replies that leave when the turn they were written in has ended well.
CREATE TABLE kept_replies (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    turn        INTEGER NOT NULL,
    recipient   TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    in_reply_to INTEGER NOT NULL
) STRICT;
CREATE INDEX kept_replies_turn ON kept_replies (turn);

-- How the program inside each agent said it stands, in which start of the agent.
CREATE TABLE harnesses (
    agent         TEXT PRIMARY KEY,
    generation    INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    until         INTEGER,
    model         TEXT,
    note          TEXT,
    runner        TEXT,
    login_missing INTEGER NOT NULL DEFAULT 0  -- 1: nobody was logged in, and no turn has ended well since
) STRICT, WITHOUT ROWID;
"""

_FIFTH: Final = """
-- The browsers that are let into the console; a key is kept as its SHA-256 alone.
CREATE TABLE sessions (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    key       TEXT    NOT NULL UNIQUE,
    read_only INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL,
    client    TEXT    NOT NULL
) STRICT;

-- What was spent today is asked again and again.
CREATE INDEX turns_started ON turns (started_at);

-- The messages of a conversation, to read them; on an expression, so that no query that means a part of them takes it
-- for a better one than the index of that part. The words of mail have an index too, which the first search makes.
CREATE INDEX messages_thread ON messages (-thread) WHERE thread IS NOT NULL;
"""

UPGRADES: Final[tuple[str, ...]] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)
