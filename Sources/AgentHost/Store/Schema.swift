/// The tables, as numbered steps.
///
/// - `seq` is the insertion sequence: order and paging go by it, never by the clock.
/// - Items name their thread by its `seq`. `items_in_order` ends, as every index, in the rowid: a page is one range of it.
/// - `turns` holds a row for each turn that runs, and for those that a dead host left behind. The row with `lease` is the one that
///   keeps other turns out of the thread. `holder` is explained at `LeaseHolder`.
/// - `entries` are plugins' keys and values; `scope` 0 is the plugin's own, 1 a user's (`scope_id` the owner key), 2 a thread's
///   (its id). Keys are blobs: they sort by their bytes.
/// - `counters.version` numbers the writes to entries, so that a key made again never repeats a version.
let storeSchema = Migrations(steps: [
    """
    CREATE TABLE threads (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, agent TEXT NOT NULL,
        created_at INTEGER NOT NULL, json BLOB NOT NULL
    ) STRICT;
    CREATE INDEX threads_in_order ON threads (owner);

    CREATE TABLE items (
        seq INTEGER PRIMARY KEY, thread INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, hidden INTEGER NOT NULL,
        created_at INTEGER NOT NULL, json BLOB NOT NULL, host_json BLOB, UNIQUE (thread, id)
    ) STRICT;
    CREATE INDEX items_in_order ON items (thread);

    CREATE TABLE turns (
        id TEXT PRIMARY KEY, thread INTEGER NOT NULL, holder INTEGER NOT NULL, lease INTEGER NOT NULL, checkpoint BLOB
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX turn_leases ON turns (thread) WHERE lease = 1;

    CREATE TABLE entries (
        scope INTEGER NOT NULL, scope_id TEXT NOT NULL, plugin TEXT NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL,
        value BLOB NOT NULL, UNIQUE (scope, scope_id, plugin, key)
    ) STRICT;

    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO counters VALUES ('version', 0), ('check', 0);

    CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    """
])
