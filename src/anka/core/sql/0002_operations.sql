-- What running an installation needs to remember about itself.

-- When each worker last said that it lives, on real time. Unlogged: a crash forgets it, and a second later they say it again.
CREATE UNLOGGED TABLE core_worker (
    name text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200),
    started_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL CHECK (beat_at >= started_at)
) WITH (fillfactor = 50);

-- Keys that once signed checkpoints, each vouched for by a later one: whoever trusts the present key can check the older signatures too.
CREATE TABLE core_checkpoint_key (
    name text NOT NULL CHECK (length(name) = 64),
    vouched_by text NOT NULL CHECK (length(vouched_by) = 64 AND vouched_by <> name),
    vouched_at timestamptz NOT NULL,
    signature bytea NOT NULL CHECK (length(signature) = 64),
    PRIMARY KEY (name, vouched_by)
);
CREATE TRIGGER checkpoint_key_append_only BEFORE UPDATE OR DELETE ON core_checkpoint_key FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Key-encryption keys that left the keyring: nothing may be wrapped by them any more, however late a process is to notice.
CREATE TABLE core_retired_key (
    name text PRIMARY KEY,
    retired_at timestamptz NOT NULL
);
CREATE TRIGGER retired_key_append_only BEFORE UPDATE OR DELETE ON core_retired_key FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The last result of each kind of look at the whole installation, e.g. how many violations the audit found.
CREATE TABLE core_result (
    name text PRIMARY KEY,
    found_at timestamptz NOT NULL,
    value bigint NOT NULL
);
