-- The stop of payouts, and what the audit has found: why money does not leave the platform, since when, and who let it go again.

-- What happened to payouts (withdrawals, deposits given back), step by step; nothing is ever taken out. A thaw names the newest freeze its
-- people had read, so that one nobody has read goes on standing. Refunds and the shop are never stopped.
CREATE TABLE core_freeze (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step text NOT NULL CHECK (step IN ('frozen', 'thaw_asked', 'thawed')),
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    freeze_id bigint,
    asked_by text,
    CHECK ((step = 'frozen') = (freeze_id IS NULL)),
    CHECK (asked_by IS NULL OR step = 'thawed'),
    CONSTRAINT thawed_by_two CHECK (asked_by IS NULL OR asked_by <> actor)
);
CREATE TRIGGER freeze_append_only BEFORE UPDATE OR DELETE ON core_freeze FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Runs of the audit. `position` is the place in the order of transactions from which the next look at what has changed goes on.
CREATE TABLE core_audit_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope text NOT NULL CHECK (scope IN ('changed', 'whole')),
    asked_by text NOT NULL,
    market_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL CHECK (ended_at >= started_at),
    position text NOT NULL,
    violations integer NOT NULL CHECK (violations >= 0)
);
CREATE INDEX core_audit_run_scope ON core_audit_run (scope, started_at DESC);

-- What the audit has found, once each: a finding ends when a look at everything does not find it any more.
CREATE TABLE core_audit_finding (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    invariant text NOT NULL,
    place text NOT NULL,
    what text NOT NULL,
    found_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    gone_at timestamptz,
    CHECK (gone_at IS NULL OR gone_at >= found_at)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX core_audit_finding_standing ON core_audit_finding (fingerprint) WHERE gone_at IS NULL;
