-- Refunds that a channel cannot complete: who looks after them, until when, and the other ways they may take.

-- How often and when last money was sent back of a payment: channels allow so many refunds, so far apart.
ALTER TABLE payments_payment ADD COLUMN refunds_made integer NOT NULL DEFAULT 0 CHECK (refunds_made >= 0),
    ADD COLUMN last_refund_at timestamptz;
UPDATE payments_payment AS payment SET refunds_made = made.attempts, last_refund_at = made.last_at
    FROM (SELECT leg.shop_id, leg.payment_id, count(*) AS attempts, max(attempt.created_at) AS last_at
          FROM payments_leg AS leg JOIN payments_attempt AS attempt
              ON attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg
          WHERE leg.payment_id IS NOT NULL AND leg.channel <> 'wallet' GROUP BY leg.shop_id, leg.payment_id) AS made
    WHERE payment.shop_id = made.shop_id AND payment.id = made.payment_id;

-- The channel was asked to send an abnormal refund another way: once by itself, after that a person decides.
ALTER TABLE payments_attempt ADD COLUMN mended_at timestamptz;
-- The absence of this money has raised the alarm: said once.
ALTER TABLE payments_leg ADD COLUMN alarmed_at timestamptz;

-- What a person has to look after, one open entry per leg. `late`: the channel still says "soon", for too long. `paid_twice`: money went
-- out a second time, whatever our books say. Everything else stops the leg until somebody opens another way for it.
CREATE TABLE payments_stuck (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    refund_id bigint NOT NULL,
    leg integer NOT NULL,
    reason text NOT NULL CHECK (reason IN ('failed', 'closed', 'abnormal', 'outcome_unknown', 'by_hand', 'reversed', 'late', 'paid_twice')),
    since timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    owner bigint,
    taken_at timestamptz,
    ended_at timestamptz,
    ended_as text CHECK (ended_as IN ('arrived', 'another_way', 'looked_into')),
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, refund_id, leg) REFERENCES payments_leg (shop_id, refund_id, leg),
    CHECK ((owner IS NULL) = (taken_at IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_as IS NULL))
);
CREATE UNIQUE INDEX payments_stuck_one_open ON payments_stuck (shop_id, refund_id, leg) WHERE ended_at IS NULL;
CREATE INDEX payments_stuck_due ON payments_stuck (due_at, id) WHERE ended_at IS NULL;

CREATE TABLE payments_stuck_note (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    stuck_id bigint NOT NULL,
    at timestamptz NOT NULL,
    by_person bigint NOT NULL,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 1000),
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, stuck_id) REFERENCES payments_stuck (shop_id, id)
);
CREATE INDEX payments_stuck_note_of ON payments_stuck_note (shop_id, stuck_id);
CREATE TRIGGER stuck_note_append_only BEFORE UPDATE OR DELETE ON payments_stuck_note FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What a person says about money that no machine can see: a transfer made by hand, or what the channel's console shows about a refund.
-- Believed when a second person has approved it.
CREATE TABLE payments_proof (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    attempt_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('transfer', 'console')),
    says text NOT NULL CHECK (says IN ('succeeded', 'failed')),
    -- Where the money went and from which account of ours; empty where the channel's console is the source.
    payee text NOT NULL CHECK (length(payee) <= 200),
    bank text NOT NULL CHECK (bank ~ '^[A-Za-z0-9_-]{0,64}$'),
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    made_by bigint NOT NULL,
    made_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'approved', 'refused')),
    decided_by bigint,
    decided_at timestamptz,
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, attempt_id) REFERENCES payments_attempt (shop_id, id),
    CHECK ((status = 'open') = (decided_at IS NULL) AND (status = 'open') = (decided_by IS NULL)),
    CHECK ((kind = 'transfer') = (bank <> '') AND (kind = 'transfer') = (payee <> '') AND (kind = 'console' OR says = 'succeeded')),
    CONSTRAINT proof_by_two CHECK (status <> 'approved' OR decided_by <> made_by)
);
CREATE UNIQUE INDEX payments_proof_one_open ON payments_proof (shop_id, attempt_id) WHERE status <> 'refused';
-- One transfer of the bank repays one leg.
CREATE UNIQUE INDEX payments_proof_transfer_once ON payments_proof (shop_id, bank, reference) WHERE kind = 'transfer' AND status <> 'refused';

CREATE FUNCTION proof_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF OLD.status <> 'open' OR (NEW.shop_id, NEW.id, NEW.attempt_id, NEW.kind, NEW.says, NEW.payee, NEW.bank, NEW.reference,
            NEW.amount_minor, NEW.made_by, NEW.made_at) IS DISTINCT FROM (OLD.shop_id, OLD.id, OLD.attempt_id, OLD.kind, OLD.says,
            OLD.payee, OLD.bank, OLD.reference, OLD.amount_minor, OLD.made_by, OLD.made_at) THEN
        RAISE EXCEPTION 'a proof is decided once and never edited' USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER proof_decided_once BEFORE UPDATE ON payments_proof FOR EACH ROW EXECUTE FUNCTION proof_is_decided_once();

-- Refunds that were stuck before there was a queue.
INSERT INTO payments_stuck (shop_id, refund_id, leg, reason, since, due_at)
    SELECT leg.shop_id, leg.refund_id, leg.leg,
        coalesce((SELECT attempt.status FROM payments_attempt AS attempt WHERE attempt.shop_id = leg.shop_id
            AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg AND attempt.status IN ('failed', 'closed', 'abnormal')
            ORDER BY attempt.id DESC LIMIT 1), 'failed'),
        refund.intended_at, refund.intended_at + interval '1 day'
    FROM payments_leg AS leg JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
    WHERE leg.status = 'stuck';
-- What waits for funds or for an answer, oldest first.
CREATE INDEX payments_attempt_waiting ON payments_attempt (created_at, id) WHERE status IN ('unknown', 'waiting_funds');
