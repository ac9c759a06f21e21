-- Money that came in and money that goes back. A refund is an intent; an attempt is one conversation with one channel.

CREATE TABLE payments_payment_move (from_status text NOT NULL, to_status text NOT NULL, PRIMARY KEY (from_status, to_status));
CREATE TABLE payments_attempt_move (from_status text NOT NULL, to_status text NOT NULL, PRIMARY KEY (from_status, to_status));
CREATE TABLE payments_refund_move (from_status text NOT NULL, to_status text NOT NULL, PRIMARY KEY (from_status, to_status));

CREATE TABLE payments_payment (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    order_id bigint NOT NULL,
    channel text NOT NULL,
    status text NOT NULL CHECK (status IN ('created', 'pending', 'paid', 'failed', 'closed')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    paid_at timestamptz,
    transaction_number text,
    refunded_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number),
    CONSTRAINT payment_refunded_within_paid CHECK (refunded_minor BETWEEN 0 AND CASE status WHEN 'paid' THEN amount_minor ELSE 0 END),
    CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
    CHECK ((status = 'paid') = (transaction_number IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX payments_payment_order ON payments_payment (shop_id, order_id);

-- A channel's transaction number pays once, whatever shop it belongs to: keyed by itself.
CREATE TABLE payments_transaction (
    channel text NOT NULL,
    transaction_number text NOT NULL,
    shop_id bigint NOT NULL,
    payment_id bigint NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (channel, transaction_number)
);

-- Every notice as it came in, believed or not. A refused one changed nothing but this table.
CREATE TABLE payments_notice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    received_at timestamptz NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    verdict text NOT NULL CHECK (verdict IN ('taken', 'repeated', 'refused')),
    reason text NOT NULL,
    payment_number text,
    excerpt text NOT NULL DEFAULT '' CHECK (length(excerpt) <= 2000)
);
CREATE INDEX payments_notice_digest ON payments_notice (digest);

CREATE TABLE payments_refund (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    order_id bigint NOT NULL,
    cause text NOT NULL CHECK (cause IN ('case', 'late_payment', 'double_payment')),
    case_number text,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    status text NOT NULL CHECK (status IN ('intended', 'processing', 'succeeded', 'stuck', 'failed')),
    intended_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number),
    CHECK ((status IN ('succeeded', 'failed')) = (ended_at IS NOT NULL))
);
CREATE INDEX payments_refund_order ON payments_refund (shop_id, order_id);

CREATE TABLE payments_leg (
    shop_id bigint NOT NULL,
    refund_id bigint NOT NULL,
    leg integer NOT NULL CHECK (leg > 0),
    payment_id bigint NOT NULL,
    channel text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    status text NOT NULL CHECK (status IN ('intended', 'processing', 'succeeded', 'stuck', 'failed')),
    arrives_by timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (shop_id, refund_id, leg),
    FOREIGN KEY (shop_id, refund_id) REFERENCES payments_refund (shop_id, id),
    FOREIGN KEY (shop_id, payment_id) REFERENCES payments_payment (shop_id, id)
);

-- Which units a refund repays, and how much each. One loss is repaid once.
CREATE TABLE payments_refund_unit (
    shop_id bigint NOT NULL,
    refund_id bigint NOT NULL,
    order_id bigint NOT NULL,
    position integer NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (shop_id, refund_id, position),
    FOREIGN KEY (shop_id, refund_id) REFERENCES payments_refund (shop_id, id)
);
CREATE INDEX payments_refund_unit_order ON payments_refund_unit (shop_id, order_id, position);

CREATE TABLE payments_attempt (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    refund_id bigint NOT NULL,
    leg integer NOT NULL,
    channel text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    status text NOT NULL CHECK (status IN ('created', 'submitting', 'processing', 'succeeded', 'unknown', 'waiting_funds', 'closed',
                                           'abnormal', 'failed', 'reversed', 'manual')),
    created_at timestamptz NOT NULL,
    submitted_at timestamptz,
    asked integer NOT NULL DEFAULT 0 CHECK (asked >= 0),
    ended_at timestamptz,
    channel_number text,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number),
    FOREIGN KEY (shop_id, refund_id, leg) REFERENCES payments_leg (shop_id, refund_id, leg)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX payments_attempt_one_live ON payments_attempt (shop_id, refund_id, leg)
    WHERE status NOT IN ('closed', 'failed', 'reversed');
CREATE INDEX payments_attempt_leg ON payments_attempt (shop_id, refund_id, leg);

-- What the channel said about an attempt, each answer kept.
CREATE TABLE payments_evidence (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    attempt_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('answer', 'notice', 'poll', 'bill')),
    status text NOT NULL,
    channel_number text,
    digest bytea,
    applied boolean NOT NULL,
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, attempt_id) REFERENCES payments_attempt (shop_id, id)
);
CREATE TRIGGER notice_append_only BEFORE UPDATE OR DELETE ON payments_notice FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transaction_append_only BEFORE UPDATE OR DELETE ON payments_transaction FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE ON payments_evidence FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION payment_moves_by_the_table() RETURNS trigger LANGUAGE plpgsql AS
$$
DECLARE allowed boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE from_status = $1 AND to_status = $2)', TG_ARGV[0])
        INTO allowed USING OLD.status, NEW.status;
    IF NOT allowed THEN
        RAISE EXCEPTION 'a % cannot go from % to %', TG_ARGV[1], OLD.status, NEW.status USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payment_moves BEFORE UPDATE OF status ON payments_payment
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION payment_moves_by_the_table('payments_payment_move', 'payment');
CREATE TRIGGER attempt_moves BEFORE UPDATE OF status ON payments_attempt
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION payment_moves_by_the_table('payments_attempt_move', 'refund attempt');
CREATE TRIGGER refund_moves BEFORE UPDATE OF status ON payments_refund
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION payment_moves_by_the_table('payments_refund_move', 'refund');
CREATE TRIGGER leg_moves BEFORE UPDATE OF status ON payments_leg
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION payment_moves_by_the_table('payments_refund_move', 'refund leg');
