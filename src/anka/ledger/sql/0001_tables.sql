-- The ledger: paired transfers. One row is one debit, one credit, one positive amount, so an unbalanced entry cannot be written.

-- The chart of accounts: a regular expression of codes and what such an account is. The same table stands in domain/chart.py; a test proves that they agree.
CREATE TABLE ledger_chart (
    pattern text PRIMARY KEY,
    side text NOT NULL CHECK (side IN ('debit', 'credit')),
    floored boolean NOT NULL,
    lazy boolean NOT NULL,
    CHECK (NOT (floored AND lazy))
);

-- A lazy account is only appended to and rolled up later, so nobody waits for its row; it has no floor.
-- Its cached sums hold everything up to `rolled_up_to`, a transaction horizon.
CREATE TABLE ledger_account (
    shop_id bigint NOT NULL CHECK (shop_id >= 0),
    id bigint GENERATED ALWAYS AS IDENTITY,
    code text NOT NULL,
    currency char(3) NOT NULL,
    side text NOT NULL CHECK (side IN ('debit', 'credit')),
    floored boolean NOT NULL,
    lazy boolean NOT NULL,
    debits bigint NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
    rolled_up_to xid8,
    closed_at timestamptz,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, code, currency),
    CONSTRAINT account_floor CHECK (NOT floored OR CASE side WHEN 'debit' THEN debits >= credits ELSE credits >= debits END),
    CONSTRAINT account_closed_is_empty CHECK (closed_at IS NULL OR debits = credits)
) WITH (fillfactor = 50);

CREATE TABLE ledger_journal (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    idempotency_key text NOT NULL,
    input_hash bytea NOT NULL,
    kind text NOT NULL,
    posted_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id),
    CONSTRAINT journal_once UNIQUE (shop_id, idempotency_key)
);

CREATE TABLE ledger_transfer (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    journal_id bigint NOT NULL,
    debit_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, journal_id) REFERENCES ledger_journal (shop_id, id),
    FOREIGN KEY (shop_id, debit_id) REFERENCES ledger_account (shop_id, id),
    FOREIGN KEY (shop_id, credit_id) REFERENCES ledger_account (shop_id, id),
    CHECK (debit_id <> credit_id)
);
CREATE INDEX ledger_transfer_debit ON ledger_transfer (shop_id, debit_id, id);
CREATE INDEX ledger_transfer_credit ON ledger_transfer (shop_id, credit_id, id);
CREATE INDEX ledger_transfer_journal ON ledger_transfer (shop_id, journal_id);

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON ledger_journal FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION refuse_change();
