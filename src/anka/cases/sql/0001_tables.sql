-- One case for every argument about an order, and the receipt of what was decided and on which facts.

CREATE TABLE cases_move (from_status text NOT NULL, to_status text NOT NULL, PRIMARY KEY (from_status, to_status));

CREATE TABLE cases_case (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    order_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cancellation', 'after_sale', 'external')),
    status text NOT NULL CHECK (status IN ('open', 'merchant_turn', 'buyer_turn', 'waiting_upstream', 'external', 'refused', 'evidence',
                                           'review', 'decided', 'appeal', 'final', 'executing', 'closed')),
    asker text NOT NULL,
    reason text NOT NULL,
    statement text NOT NULL DEFAULT '' CHECK (length(statement) <= 2000),
    positions integer[] NOT NULL CHECK (cardinality(positions) > 0),
    refund_minor bigint NOT NULL CHECK (refund_minor >= 0),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    outcome text CHECK (outcome IN ('refunded', 'partial', 'replaced', 'resumed', 'rejected', 'withdrawn', 'expired', 'settled_outside',
                                    'merged', 'released')),
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number),
    CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((closed_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX cases_case_order ON cases_case (shop_id, order_id);

-- At most one open case per unit.
CREATE TABLE cases_unit (
    shop_id bigint NOT NULL,
    case_id bigint NOT NULL,
    order_id bigint NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    open boolean NOT NULL,
    PRIMARY KEY (shop_id, case_id, position),
    FOREIGN KEY (shop_id, case_id) REFERENCES cases_case (shop_id, id),
    FOREIGN KEY (shop_id, order_id, position) REFERENCES orders_unit (shop_id, order_id, position)
);
CREATE UNIQUE INDEX cases_unit_one_open ON cases_unit (shop_id, order_id, position) WHERE open;

-- The facts as judged and the decision as made: the exact bytes, so that it replays to the same answer for ever.
CREATE TABLE cases_receipt (
    shop_id bigint NOT NULL,
    case_id bigint NOT NULL,
    decided_at timestamptz NOT NULL,
    policy_version text NOT NULL,
    rule text NOT NULL,
    facts bytea NOT NULL,
    decision bytea NOT NULL,
    because_zh text NOT NULL,
    because_en text NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (shop_id, case_id),
    FOREIGN KEY (shop_id, case_id) REFERENCES cases_case (shop_id, id),
    CONSTRAINT receipt_is_whole CHECK (hash = sha256(facts || decision))
);
CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE ON cases_receipt FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION case_moves_by_the_table() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF NOT EXISTS (SELECT FROM cases_move WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'a case cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER case_moves BEFORE UPDATE OF status ON cases_case
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status) EXECUTE FUNCTION case_moves_by_the_table();
