-- Money that came and does not fit: another sum than was asked for, or under a payment number nobody of ours ever began. The channel
-- itself has said that it holds it, so it is in the books (unidentified:{channel}) until it has gone back or has paid an order.
CREATE TABLE payments_unidentified (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('too_much', 'too_little', 'wrong_currency', 'unknown_payment')),
    channel text NOT NULL,
    transaction_number text NOT NULL,
    -- What the channel calls the payment, and what it was to bring, where we began it.
    payment_number text NOT NULL,
    order_id bigint,
    expected_minor bigint CHECK (expected_minor > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    found_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'returning', 'returned', 'matched')),
    -- The first of two persons, where an amount needs two: who would have it pay which order.
    proposed_order text,
    proposed_by bigint,
    proposed_at timestamptz,
    decided_by text,
    decided_at timestamptz,
    matched_order text,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number),
    CONSTRAINT unidentified_transaction_once UNIQUE (shop_id, channel, transaction_number),
    CHECK ((reason = 'unknown_payment') = (order_id IS NULL)),
    CHECK ((reason = 'unknown_payment') = (expected_minor IS NULL)),
    CHECK ((status = 'open') = (decided_at IS NULL) AND (status = 'open') = (decided_by IS NULL)),
    CONSTRAINT unidentified_matched_to_one CHECK ((status = 'matched') = (matched_order IS NOT NULL)),
    CHECK ((proposed_by IS NULL) = (proposed_order IS NULL) AND (proposed_by IS NULL) = (proposed_at IS NULL)),
    CONSTRAINT unidentified_by_two CHECK (status <> 'matched' OR proposed_by IS NULL OR decided_by <> 'platform:' || proposed_by)
);
CREATE INDEX payments_unidentified_found ON payments_unidentified (found_at, number);
CREATE INDEX payments_unidentified_open ON payments_unidentified (found_at, number) WHERE status = 'open';
CREATE INDEX payments_unidentified_order ON payments_unidentified (shop_id, order_id) WHERE order_id IS NOT NULL;

CREATE FUNCTION unidentified_moves() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (('open', 'returning'), ('open', 'matched'), ('returning', 'returned'), ('returned', 'returning')) THEN
        RAISE EXCEPTION 'unidentified money cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER unidentified_moves BEFORE UPDATE OF status ON payments_unidentified
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status) EXECUTE FUNCTION unidentified_moves();

-- A message that cannot be believed by itself is a question to its channel. Answered when the channel said something certain; messages
-- from before there were questions count as such.
CREATE TABLE payments_question (
    channel text NOT NULL,
    payment_number text NOT NULL,
    asked_at timestamptz NOT NULL,
    -- What it said so far that did not fit; acted upon when it says the same again a minute later.
    said text CHECK (length(said) <= 200),
    said_at timestamptz,
    answered_at timestamptz,
    answer text,
    PRIMARY KEY (channel, payment_number),
    CHECK ((answered_at IS NULL) = (answer IS NULL)),
    CHECK ((said_at IS NULL) = (said IS NULL))
);

INSERT INTO payments_question (channel, payment_number, asked_at, answered_at, answer)
    SELECT channel, payment_number, max(received_at), max(received_at), 'never_asked' FROM payments_notice
    WHERE verdict = 'refused' AND reason IN ('amount_differs', 'payment_unknown') AND payment_number IS NOT NULL
    GROUP BY channel, payment_number;

-- A transaction has paid one of our payments, or is money that nobody asked for; never both.
ALTER TABLE payments_transaction ALTER COLUMN payment_id DROP NOT NULL, ADD COLUMN unidentified_id bigint,
    ADD CONSTRAINT transaction_is_one_thing CHECK (num_nonnulls(payment_id, unidentified_id) = 1);

-- Unidentified money goes back by a refund like any other; where no order is known, the refund has none.
ALTER TABLE payments_refund ALTER COLUMN order_id DROP NOT NULL, DROP CONSTRAINT payments_refund_cause_check,
    ADD CONSTRAINT payments_refund_cause_check CHECK (cause IN ('case', 'late_payment', 'double_payment', 'odd_payment')),
    ADD CONSTRAINT refund_has_an_order CHECK (order_id IS NOT NULL OR cause = 'odd_payment');
ALTER TABLE payments_leg ALTER COLUMN payment_id DROP NOT NULL, ADD COLUMN unidentified_id bigint,
    ADD CONSTRAINT leg_pays_one_thing_back CHECK (num_nonnulls(payment_id, unidentified_id) = 1),
    ADD FOREIGN KEY (shop_id, unidentified_id) REFERENCES payments_unidentified (shop_id, id);
CREATE UNIQUE INDEX payments_leg_one_return ON payments_leg (shop_id, unidentified_id) WHERE unidentified_id IS NOT NULL;
