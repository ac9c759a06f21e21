-- A merchant's own money: what a shop has to put down, and withdrawals. What the shop has stands in the ledger alone.

-- The table of moves of a withdrawal. The same table stands in domain/withdrawals.py; a test proves that they agree.
CREATE TABLE funds_move (from_status text NOT NULL, to_status text NOT NULL, PRIMARY KEY (from_status, to_status));

-- What holds for a shop; a shop without a row has put nothing down and settles after the market's default.
CREATE TABLE funds_terms (
    shop_id bigint NOT NULL PRIMARY KEY CHECK (shop_id > 0),
    tier text NOT NULL CHECK (tier IN ('open', 'new', 'proven', 'trusted')),
    required_minor bigint NOT NULL CHECK (required_minor >= 0),
    floor_minor bigint NOT NULL CHECK (floor_minor BETWEEN 0 AND required_minor),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- The bounds are those of the clock `settle` (domain/deadlines.py).
    settle_minutes integer NOT NULL CHECK (settle_minutes BETWEEN 0 AND 43200),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL
);

-- Who asked, who approved (`first_by` is the first of two), who paid and under which number of the bank. `account` is masked: its last
-- four characters, enough to tell two accounts apart and too little to be stolen.
CREATE TABLE funds_withdrawal (
    shop_id bigint NOT NULL CHECK (shop_id > 0),
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    status text NOT NULL CHECK (status IN ('asked', 'approved', 'paying', 'paid', 'failed', 'refused')),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 1000),
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    account text NOT NULL CHECK (account ~ '^•••• [0-9A-Za-z]{4}$'),
    asked_by bigint NOT NULL CHECK (asked_by > 0),
    asked_at timestamptz NOT NULL,
    first_by bigint,
    first_at timestamptz,
    decided_by bigint,
    decided_at timestamptz,
    paid_by bigint,
    bank_reference text CHECK (length(bank_reference) BETWEEN 4 AND 64),
    ended_at timestamptz,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    PRIMARY KEY (shop_id, id),
    CONSTRAINT withdrawal_number_once UNIQUE (shop_id, number),
    CONSTRAINT withdrawal_fee_within_amount CHECK (fee_minor < amount_minor),
    CHECK ((first_by IS NULL) = (first_at IS NULL)),
    CHECK ((status = 'asked') = (decided_at IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CHECK ((status IN ('paid', 'failed', 'refused')) = (ended_at IS NOT NULL)),
    CHECK ((status IN ('paying', 'paid', 'failed')) = (paid_by IS NOT NULL)),
    CONSTRAINT withdrawal_paid_with_reference CHECK ((status = 'paid') = (bank_reference IS NOT NULL)),
    CONSTRAINT withdrawal_not_by_asker CHECK (asked_by <> coalesce(first_by, 0) AND asked_by <> coalesce(decided_by, 0)
        AND asked_by <> coalesce(paid_by, 0)),
    -- The limit is the domain's FOUR_EYES_FROM_MINOR.
    CONSTRAINT withdrawal_by_two CHECK (amount_minor < 500000 OR status IN ('asked', 'refused')
        OR (first_by IS NOT NULL AND first_by <> decided_by))
);
CREATE INDEX funds_withdrawal_open ON funds_withdrawal (asked_at, number) WHERE status IN ('asked', 'approved', 'paying');
CREATE UNIQUE INDEX funds_withdrawal_reference_once ON funds_withdrawal (shop_id, bank_reference);

CREATE FUNCTION withdrawal_moves_by_the_table() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF (NEW.shop_id, NEW.number, NEW.amount_minor, NEW.fee_minor, NEW.currency, NEW.account, NEW.asked_by, NEW.asked_at)
        IS DISTINCT FROM (OLD.shop_id, OLD.number, OLD.amount_minor, OLD.fee_minor, OLD.currency, OLD.account, OLD.asked_by, OLD.asked_at) THEN
        RAISE EXCEPTION 'what was asked for is not changed' USING ERRCODE = 'AN004';
    END IF;
    IF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT FROM funds_move WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'a withdrawal cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER withdrawal_moves BEFORE UPDATE ON funds_withdrawal FOR EACH ROW EXECUTE FUNCTION withdrawal_moves_by_the_table();
CREATE FUNCTION withdrawal_begins_asked() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a withdrawal begins as asked for' USING ERRCODE = 'AN004'; END $$;
CREATE TRIGGER withdrawal_begins BEFORE INSERT ON funds_withdrawal FOR EACH ROW WHEN (NEW.status <> 'asked')
    EXECUTE FUNCTION withdrawal_begins_asked();

-- What happened to a shop's funds otherwise than by orders, in the words of the flows. History.
CREATE TABLE funds_step (
    shop_id bigint NOT NULL CHECK (shop_id > 0),
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    what text NOT NULL CHECK (length(what) BETWEEN 1 AND 60),
    number text NOT NULL,
    details jsonb NOT NULL,
    PRIMARY KEY (shop_id, id)
);
CREATE INDEX funds_step_number ON funds_step (shop_id, number);
CREATE TRIGGER funds_step_append_only BEFORE UPDATE OR DELETE ON funds_step FOR EACH ROW EXECUTE FUNCTION refuse_change();
