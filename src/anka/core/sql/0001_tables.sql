-- What every flow leaves behind beside its own rows: the answer to a repeated request, the event, the clock, the work to do.

-- One row per request that carried an idempotency key. It holds a reference and a hash, never a secret or an answer's body.
-- Keyed by itself (not by shop): a caller's key must be unique whatever shop the request turns out to touch.
CREATE TABLE core_request (
    caller text NOT NULL,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 200),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    reference text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (caller, idempotency_key)
);

-- Token buckets. Unlogged: a crash forgets them, which is harmless, and they cost no write-ahead log.
CREATE UNLOGGED TABLE core_rate_bucket (
    budget text NOT NULL,
    caller text NOT NULL,
    tokens numeric NOT NULL,
    refreshed_at timestamptz NOT NULL,
    PRIMARY KEY (budget, caller)
) WITH (fillfactor = 50);

-- The hash chain of an order. `body` holds the exact bytes that were hashed: hash = sha256(previous hash || body).
CREATE TABLE core_event (
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    sequence integer NOT NULL CHECK (sequence > 0),
    at timestamptz NOT NULL,
    actor text NOT NULL,
    what text NOT NULL,
    positions integer[] NOT NULL DEFAULT '{}',
    move text,
    stage text,
    body bytea NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (shop_id, order_id, sequence),
    CHECK ((move IS NULL) = (stage IS NULL))
);
CREATE INDEX core_event_transaction ON core_event (transaction_id);

-- Signed Merkle roots over the events of finished transactions, each chained to the last: a chain alone cannot see a cut tail.
CREATE TABLE core_checkpoint (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamptz NOT NULL,
    from_transaction xid8 NOT NULL,
    to_transaction xid8 NOT NULL,
    event_count bigint NOT NULL CHECK (event_count >= 0),
    previous_hash bytea NOT NULL,
    root bytea NOT NULL,
    hash bytea NOT NULL,
    key_name text NOT NULL,
    signature bytea NOT NULL,
    CHECK (to_transaction >= from_transaction)
);

-- Clocks: something happens by itself when one falls. `position` 0 means the whole order.
CREATE TABLE core_clock (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    order_id bigint NOT NULL,
    position integer NOT NULL DEFAULT 0 CHECK (position >= 0),
    kind text NOT NULL CHECK (kind IN ('hold', 'late', 'promise', 'answer', 'offer', 'evidence', 'look', 'rule', 'escalate', 'appeal',
                                       'confirm', 'settle', 'external', 'ceiling', 'arrival', 'keep')),
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'stopped', 'fallen')),
    started_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    paused_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (shop_id, id),
    CHECK (due_at >= started_at),
    CHECK ((state = 'paused') = (paused_at IS NOT NULL)),
    CHECK ((state IN ('stopped', 'fallen')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX core_clock_one_running ON core_clock (shop_id, order_id, position, kind) WHERE state IN ('running', 'paused');
CREATE INDEX core_clock_due ON core_clock (kind, due_at) WHERE state = 'running';

-- Work asked for by a flow and done by the worker after the commit. One open row per thing to do.
CREATE TABLE core_outbox (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    subject text NOT NULL,
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    leased_until timestamptz,
    done_at timestamptz,
    failure text,
    PRIMARY KEY (shop_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX core_outbox_one_open ON core_outbox (shop_id, topic, subject) WHERE done_at IS NULL;
CREATE INDEX core_outbox_due ON core_outbox (due_at) WHERE done_at IS NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON core_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_append_only BEFORE UPDATE OR DELETE ON core_checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER request_append_only BEFORE UPDATE ON core_request FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX core_request_made ON core_request (made_at);
CREATE INDEX core_rate_bucket_refreshed ON core_rate_bucket (refreshed_at);
CREATE INDEX core_outbox_done ON core_outbox (done_at) WHERE done_at IS NOT NULL;
