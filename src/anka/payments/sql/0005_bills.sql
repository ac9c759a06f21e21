-- The bills of channels, line by line, and what in them differs from our books. A bill is the whole installation's: a channel bills one
-- merchant account, whose payments lie in the books of many shops.

-- A bill as it was read. Reading the same bytes again is no news; other bytes for the same day take its place (the channel corrected it).
CREATE TABLE payments_bill (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    day date NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    source text NOT NULL CHECK (source IN ('asked', 'file')),
    read_by text NOT NULL,
    began_at timestamptz NOT NULL,
    line_count integer NOT NULL CHECK (line_count >= 0),
    -- When all its lines were here; when another bill of the day took its place.
    read_at timestamptz,
    superseded_at timestamptz,
    -- Up to which line it was compared with our books, and when that was finished. The transaction is for the audit of what has changed.
    compared_to integer NOT NULL DEFAULT 0,
    compared_at timestamptz,
    compared_in xid8,
    CONSTRAINT bill_once UNIQUE (channel, day, digest),
    CONSTRAINT bill_compared_within CHECK (compared_to BETWEEN 0 AND line_count),
    CHECK ((compared_at IS NULL) = (compared_in IS NULL)),
    CHECK (compared_at IS NULL OR read_at IS NOT NULL)
);
CREATE UNIQUE INDEX payments_bill_current ON payments_bill (channel, day) WHERE read_at IS NOT NULL AND superseded_at IS NULL;

CREATE TABLE payments_bill_line (
    bill_id bigint NOT NULL REFERENCES payments_bill (id),
    line integer NOT NULL CHECK (line > 0),
    kind text NOT NULL CHECK (kind IN ('payment', 'refund', 'refund_reversed', 'settlement', 'dispute', 'other')),
    number text NOT NULL,
    payment_number text NOT NULL,
    channel_number text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    fee_minor bigint NOT NULL,
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (bill_id, line)
);
CREATE INDEX payments_bill_line_channel_number ON payments_bill_line (channel_number, kind);
CREATE INDEX payments_bill_line_number ON payments_bill_line (number, kind);
CREATE TRIGGER bill_line_append_only BEFORE UPDATE OR DELETE ON payments_bill_line FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The inbox: what a channel's bill and our books say otherwise of each other, once per thing. `subject` names the thing.
CREATE TABLE payments_difference (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('not_taken', 'not_on_bill', 'amount_differs', 'not_posted', 'twice', 'refund_unknown', 'refund_open',
        'refund_differs', 'refund_not_on_bill', 'reversal_open', 'fee_differs', 'settlement_differs', 'dispute', 'other')),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    bill_id bigint,
    line integer,
    number text NOT NULL,
    channel_number text NOT NULL,
    ours_minor bigint,
    theirs_minor bigint,
    currency char(3) NOT NULL,
    found_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'explained', 'corrected')),
    -- The first of two persons, where a sum needs two: what they would call it, and why.
    proposed_as text CHECK (proposed_as IN ('explained', 'corrected')),
    proposed_by text,
    proposed_note text CHECK (length(proposed_note) BETWEEN 1 AND 2000),
    decided_by text,
    decided_at timestamptz,
    note text CHECK (length(note) BETWEEN 1 AND 2000),
    CONSTRAINT difference_once UNIQUE (channel, kind, subject),
    CHECK ((bill_id IS NULL) = (line IS NULL)),
    CHECK ((status = 'open') = (decided_by IS NULL) AND (status = 'open') = (decided_at IS NULL) AND (status = 'open') = (note IS NULL)),
    CHECK (num_nonnulls(proposed_as, proposed_by, proposed_note) IN (0, 3)),
    CONSTRAINT difference_by_two CHECK (status = 'open' OR proposed_by IS NULL OR decided_by <> proposed_by)
) WITH (fillfactor = 80);
CREATE INDEX payments_difference_open ON payments_difference (found_at, id) WHERE status = 'open';
CREATE INDEX payments_difference_day ON payments_difference (channel, day, id);
CREATE INDEX payments_difference_line ON payments_difference (bill_id, line) WHERE bill_id IS NOT NULL;

-- What happened to a difference, step by step.
CREATE TABLE payments_difference_step (
    difference_id bigint NOT NULL REFERENCES payments_difference (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    step text NOT NULL CHECK (step IN ('found', 'found_again', 'proposed', 'explained', 'corrected')),
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    PRIMARY KEY (difference_id, id)
);
CREATE TRIGGER difference_step_append_only BEFORE UPDATE OR DELETE ON payments_difference_step FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was taken and paid back on a day, for the way from our books to the bill.
CREATE INDEX payments_transaction_taken ON payments_transaction (channel, taken_at);
CREATE INDEX payments_attempt_ended ON payments_attempt (channel, ended_at) WHERE status = 'succeeded';
