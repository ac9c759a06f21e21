-- Payments that finance staff take by hand: the buyer paid, the channel's notice was lost, and the channel cannot be asked.

-- What somebody says to have seen of a payment at its channel. It waits for a second person where it is much; one person decides the rest.
CREATE TABLE payments_by_hand (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    payment_id bigint NOT NULL,
    transaction_number text NOT NULL CHECK (length(transaction_number) BETWEEN 1 AND 128),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    -- Where it can be seen again: the reference of a statement, the line of an export, what the channel's support wrote.
    proof text NOT NULL CHECK (length(proof) BETWEEN 1 AND 1000),
    made_by bigint NOT NULL,
    made_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'taken', 'refused')),
    decided_by bigint,
    decided_at timestamptz,
    outcome text,
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, payment_id) REFERENCES payments_payment (shop_id, id),
    CHECK ((status = 'open') = (decided_at IS NULL) AND (status = 'open') = (decided_by IS NULL)),
    CHECK ((status = 'taken') = (outcome IS NOT NULL)),
    -- The limit of domain/by_hand.py, once more.
    CONSTRAINT by_hand_by_two CHECK (status <> 'taken' OR amount_minor < 50000 OR decided_by <> made_by)
);
CREATE UNIQUE INDEX payments_by_hand_one_open ON payments_by_hand (shop_id, payment_id) WHERE status = 'open';
CREATE UNIQUE INDEX payments_by_hand_one_taken ON payments_by_hand (shop_id, payment_id) WHERE status = 'taken';
CREATE INDEX payments_by_hand_waiting ON payments_by_hand (made_at, id) WHERE status = 'open';

CREATE FUNCTION by_hand_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF OLD.status <> 'open' OR (NEW.shop_id, NEW.id, NEW.payment_id, NEW.transaction_number, NEW.amount_minor, NEW.proof, NEW.made_by,
            NEW.made_at) IS DISTINCT FROM (OLD.shop_id, OLD.id, OLD.payment_id, OLD.transaction_number, OLD.amount_minor, OLD.proof,
            OLD.made_by, OLD.made_at) THEN
        RAISE EXCEPTION 'what somebody said of a payment is decided once and never changed' USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER by_hand_decided_once BEFORE UPDATE ON payments_by_hand FOR EACH ROW EXECUTE FUNCTION by_hand_is_decided_once();
