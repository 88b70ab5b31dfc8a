use rusqlite::{Connection, TransactionBehavior};

/// What each version adds to the one before. Released entries never change.
///
/// Times are epoch milliseconds, JSON is text. Text is compared byte by byte.
const MIGRATIONS: &[&str] = &["
    -- One source of revisions, object versions and row numbers: a number never returns, even after a deletion.
    CREATE TABLE sequence (value INTEGER NOT NULL) STRICT;
    INSERT INTO sequence VALUES (0);

    CREATE TABLE deployment_records (
        name TEXT NOT NULL, time INTEGER NOT NULL, object TEXT, body TEXT NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (name, time)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deployment_records_by_object ON deployment_records (name, object);

    CREATE TABLE resource_records (
        kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;

    -- `blob` is NULL for a deletion.
    CREATE TABLE objects (
        bucket TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, blob TEXT, size INTEGER NOT NULL,
        PRIMARY KEY (bucket, key, version)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE parameters (
        name TEXT PRIMARY KEY, value TEXT NOT NULL, description TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY, queue TEXT NOT NULL, body TEXT NOT NULL, visible INTEGER NOT NULL, handle TEXT
    ) STRICT;
    CREATE INDEX messages_by_queue ON messages (queue, id);
    -- Outlives the message, so that a repeated send of a finished job starts nothing.
    CREATE TABLE message_dedup (
        queue TEXT NOT NULL, dedup TEXT NOT NULL, PRIMARY KEY (queue, dedup)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE notifications (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, status TEXT NOT NULL, environment TEXT NOT NULL,
        distribution_name TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;

    CREATE TABLE environment_values (environment TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE machines (
        arn TEXT PRIMARY KEY, definition TEXT NOT NULL, updated INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE executions (
        arn TEXT PRIMARY KEY, machine TEXT NOT NULL, definition TEXT NOT NULL, input TEXT NOT NULL, status TEXT NOT NULL,
        output TEXT, error TEXT, cause TEXT, started INTEGER NOT NULL, ended INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX executions_by_machine ON executions (machine, status, arn);
    CREATE TABLE history (
        execution TEXT NOT NULL, id INTEGER NOT NULL, previous INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL,
        details TEXT NOT NULL,
        PRIMARY KEY (execution, id)
    ) STRICT, WITHOUT ROWID;

    -- `hash` is SHA-256 of the token.
    CREATE TABLE task_tokens (
        hash TEXT PRIMARY KEY, execution TEXT NOT NULL, effect TEXT NOT NULL, state TEXT NOT NULL, answer TEXT,
        answered INTEGER, heartbeat INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX task_tokens_by_execution ON task_tokens (execution, state, answered);

    CREATE TABLE intents (
        id INTEGER PRIMARY KEY, target TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX intents_by_target ON intents (target, id);

    CREATE TABLE deployments (
        id TEXT PRIMARY KEY, object TEXT NOT NULL, state TEXT NOT NULL, owner_pid INTEGER, started INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deployments_by_object ON deployments (object);

    CREATE TABLE stacks (
        region TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (region, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE stack_events (
        stack_id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (stack_id, number)
    ) STRICT, WITHOUT ROWID;
", "
    -- Where the execution's task tokens and random numbers come from. With it the journal gives the same state again.
    ALTER TABLE executions ADD COLUMN seed TEXT;
    CREATE TABLE journal (
        execution TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (execution, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE snapshots (
        execution TEXT PRIMARY KEY, number INTEGER NOT NULL, state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE messages ADD COLUMN dedup TEXT;
    CREATE INDEX messages_by_dedup ON messages (dedup);
    CREATE INDEX message_dedup_by_id ON message_dedup (dedup);
"];

/// Returns the newest schema version, counted from 1.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Brings a database of version `found` to the newest one, all or nothing.
pub(super) fn migrate(connection: &mut Connection, found: i64) -> Result<(), rusqlite::Error> {
    let done = usize::try_from(found).unwrap_or(0);
    let Some(missing) = MIGRATIONS.get(done..).filter(|missing| !missing.is_empty()) else { return Ok(()) };
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in missing {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "user_version", newest())?;
    tx.commit()
}
