-- What people are told inside the application, and which clocks they have been warned of.

-- One row per thing told. A buyer's notice belongs to that person; a shop's to whoever works for it, the platform's to its staff, and one
-- of them reading it is enough. It says what happened and where to look, in details that words are made of; never what a key says.
CREATE TABLE messaging_notice (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    audience text NOT NULL CHECK (audience IN ('buyer', 'shop', 'platform')),
    person_id bigint NOT NULL DEFAULT 0,
    order_id bigint,
    order_number text,
    case_number text,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    details jsonb NOT NULL DEFAULT '{}',
    made_at timestamptz NOT NULL,
    read_at timestamptz,
    PRIMARY KEY (shop_id, id),
    CONSTRAINT notice_of_a_buyer_has_one CHECK ((audience = 'buyer') = (person_id > 0)),
    CONSTRAINT notice_is_about_an_order_or_none CHECK ((order_id IS NULL) = (order_number IS NULL)),
    CONSTRAINT notice_is_short CHECK (pg_column_size(details) <= 2000),
    CONSTRAINT notice_is_read_after_it_was_made CHECK (read_at >= made_at)
);
CREATE INDEX messaging_notice_buyer ON messaging_notice (person_id, id) WHERE audience = 'buyer';
CREATE INDEX messaging_notice_shop ON messaging_notice (shop_id, id) WHERE audience = 'shop';
CREATE INDEX messaging_notice_platform ON messaging_notice (id) WHERE audience = 'platform';
CREATE INDEX messaging_notice_buyer_unread ON messaging_notice (person_id, id) WHERE audience = 'buyer' AND read_at IS NULL;
CREATE INDEX messaging_notice_shop_unread ON messaging_notice (shop_id, id) WHERE audience = 'shop' AND read_at IS NULL;
CREATE INDEX messaging_notice_platform_unread ON messaging_notice (id) WHERE audience = 'platform' AND read_at IS NULL;
CREATE INDEX messaging_notice_read ON messaging_notice (made_at) WHERE read_at IS NOT NULL;

-- How far people have been warned of a clock: the last share of its time they were told of, in percent. A warning is told by whoever
-- writes this row, so it is told once; a clock nobody was warned of has none, which keeps starting a clock as cheap as it was.
CREATE TABLE messaging_warned (
    shop_id bigint NOT NULL,
    clock_id bigint NOT NULL,
    percent integer NOT NULL CHECK (percent BETWEEN 1 AND 100),
    warned_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, clock_id)
) WITH (fillfactor = 80);
CREATE INDEX messaging_warned_when ON messaging_warned (warned_at);
