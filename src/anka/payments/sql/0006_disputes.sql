-- Disputes that a payer raises with the channel: complaints move no money; by a chargeback the bank takes it back, whatever we think.

CREATE TABLE payments_dispute_move (from_status text NOT NULL, to_status text NOT NULL, PRIMARY KEY (from_status, to_status));

-- `repaid_minor`, `lost_minor` and `unborne_minor` say what became of a chargeback that was lost: it paid refunds that were still owed, it
-- took what units had left, and what was paid back twice nobody here can bear.
CREATE TABLE payments_dispute (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    order_id bigint,
    payment_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('complaint', 'chargeback')),
    channel text NOT NULL,
    channel_number text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    reason text NOT NULL CHECK (length(reason) <= 200),
    status text NOT NULL CHECK (status IN ('open', 'won', 'lost', 'accepted')),
    opened_at timestamptz NOT NULL,
    evidence_due_at timestamptz NOT NULL,
    closed_at timestamptz,
    repaid_minor bigint NOT NULL DEFAULT 0 CHECK (repaid_minor >= 0),
    lost_minor bigint NOT NULL DEFAULT 0 CHECK (lost_minor >= 0),
    unborne_minor bigint NOT NULL DEFAULT 0 CHECK (unborne_minor >= 0),
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number),
    CONSTRAINT dispute_once UNIQUE (shop_id, channel, channel_number),
    FOREIGN KEY (shop_id, payment_id) REFERENCES payments_payment (shop_id, id),
    CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT dispute_lost_as_a_whole CHECK (repaid_minor + lost_minor + unborne_minor
        = CASE WHEN kind = 'chargeback' AND status IN ('lost', 'accepted') THEN amount_minor ELSE 0 END)
);
CREATE INDEX payments_dispute_order ON payments_dispute (shop_id, order_id);
CREATE INDEX payments_dispute_payment ON payments_dispute (shop_id, payment_id);
CREATE INDEX payments_dispute_channel ON payments_dispute (channel, channel_number);
CREATE INDEX payments_dispute_due ON payments_dispute (evidence_due_at, id) WHERE closed_at IS NULL;
CREATE TRIGGER dispute_moves BEFORE UPDATE OF status ON payments_dispute
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION payment_moves_by_the_table('payments_dispute_move', 'dispute');

-- Which units a chargeback is about: the share of each, what was frozen of it beside what an open case had frozen, and what was lost.
CREATE TABLE payments_dispute_unit (
    shop_id bigint NOT NULL,
    dispute_id bigint NOT NULL,
    order_id bigint NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    share_minor bigint NOT NULL CHECK (share_minor > 0),
    frozen_minor bigint NOT NULL CHECK (frozen_minor BETWEEN 0 AND share_minor),
    lost_minor bigint NOT NULL DEFAULT 0 CHECK (lost_minor BETWEEN 0 AND share_minor),
    PRIMARY KEY (shop_id, dispute_id, position),
    FOREIGN KEY (shop_id, dispute_id) REFERENCES payments_dispute (shop_id, id)
);
CREATE INDEX payments_dispute_unit_order ON payments_dispute_unit (shop_id, order_id, position);

-- What the channel said about a dispute, or a person of ours decided, each word kept.
CREATE TABLE payments_dispute_evidence (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    dispute_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('notice', 'person')),
    said text NOT NULL CHECK (said IN ('open', 'won', 'lost', 'accepted')),
    by_actor text NOT NULL,
    amount_minor bigint,
    digest bytea,
    applied boolean NOT NULL,
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, dispute_id) REFERENCES payments_dispute (shop_id, id)
);
CREATE INDEX payments_dispute_evidence_of ON payments_dispute_evidence (shop_id, dispute_id);
CREATE TRIGGER dispute_evidence_append_only BEFORE UPDATE OR DELETE ON payments_dispute_evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The clocks of what is argued about outside: by when the channel wants a first reply, and by when it is to be over.
ALTER TABLE core_clock DROP CONSTRAINT core_clock_kind_check, ADD CONSTRAINT core_clock_kind_check CHECK (kind IN ('hold', 'late', 'promise',
    'answer', 'offer', 'evidence', 'look', 'rule', 'escalate', 'appeal', 'confirm', 'settle', 'external', 'external_reply', 'external_done',
    'ceiling', 'arrival', 'keep'));
