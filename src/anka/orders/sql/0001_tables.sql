-- Orders and their units. Two axes per unit, goods (stage) and cash (money); labels such as 待付款 are views.

-- The table of moves. The same table stands in domain/delivery_states.py; a test proves that they agree.
CREATE TABLE orders_move (
    goods text NOT NULL, from_stage text NOT NULL, move text NOT NULL, to_stage text NOT NULL,
    PRIMARY KEY (goods, from_stage, move)
);
CREATE TABLE orders_money_move (from_money text NOT NULL, to_money text NOT NULL, PRIMARY KEY (from_money, to_money));

CREATE TABLE orders_order (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    buyer_id bigint NOT NULL,
    product_id bigint NOT NULL,
    terms_version integer NOT NULL,
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    commission_basis_points integer NOT NULL CHECK (commission_basis_points BETWEEN 0 AND 10000),
    notice text NOT NULL CHECK (notice IN ('none', 'shown', 'confirmed')),
    policy_version text NOT NULL,
    snapshot bytea NOT NULL,
    placed_at timestamptz NOT NULL,
    hold_until timestamptz NOT NULL CHECK (hold_until > placed_at),
    paid_at timestamptz,
    closed_at timestamptz,
    closed_by text CHECK (closed_by IN ('buyer', 'timeout')),
    paid_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    released_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number),
    FOREIGN KEY (shop_id, product_id, terms_version) REFERENCES catalog_terms (shop_id, product_id, version),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT order_refunded_within_paid CHECK (refunded_minor BETWEEN 0 AND paid_minor),
    CONSTRAINT order_released_within_paid CHECK (released_minor BETWEEN 0 AND paid_minor)
) WITH (fillfactor = 80);
CREATE INDEX orders_order_buyer ON orders_order (buyer_id, placed_at DESC, number);
CREATE INDEX orders_order_same ON orders_order (shop_id, buyer_id, product_id, placed_at);
CREATE INDEX orders_order_shop ON orders_order (shop_id, placed_at DESC, number);

CREATE TABLE orders_unit (
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    goods text NOT NULL,
    stage text NOT NULL DEFAULT 'reserved' CHECK (stage IN ('reserved', 'queued', 'accepted', 'working', 'sealed', 'revealed', 'delivered',
                                                            'used', 'released', 'recalled', 'voided', 'replaced', 'closed_out')),
    money text NOT NULL DEFAULT 'none' CHECK (money IN ('none', 'held', 'released', 'settled', 'refunding', 'part_refunded', 'refunded')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    refunded_minor bigint NOT NULL DEFAULT 0,
    frozen_minor bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL,
    delivered_at timestamptz,
    revealed_at timestamptz,
    revealed_by bigint,
    confirmed_at timestamptz,
    key_id bigint,
    PRIMARY KEY (shop_id, order_id, position),
    FOREIGN KEY (shop_id, order_id) REFERENCES orders_order (shop_id, id),
    FOREIGN KEY (shop_id, key_id) REFERENCES vault_key (shop_id, id),
    CONSTRAINT unit_refunded_within_amount CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT unit_frozen_within_amount CHECK (frozen_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT unit_unpaid_stays_unpaid CHECK (stage IN ('reserved', 'released') OR money <> 'none'),
    CONSTRAINT unit_reserved_has_no_money CHECK (stage <> 'reserved' OR money = 'none'),
    CONSTRAINT unit_delivered_has_time CHECK (stage NOT IN ('sealed', 'revealed', 'delivered', 'used') OR delivered_at IS NOT NULL),
    CONSTRAINT unit_revealed_has_reader CHECK ((revealed_at IS NULL) = (revealed_by IS NULL)),
    CONSTRAINT unit_revealed_has_time CHECK (stage <> 'revealed' OR revealed_at IS NOT NULL),
    CONSTRAINT unit_delivered_has_goods CHECK (goods <> 'card_key' OR stage NOT IN ('sealed', 'revealed', 'used') OR key_id IS NOT NULL),
    CONSTRAINT unit_given_back_holds_no_key CHECK (stage NOT IN ('released', 'recalled', 'voided') OR key_id IS NULL)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX orders_unit_one_per_key ON orders_unit (shop_id, key_id) WHERE key_id IS NOT NULL;

CREATE FUNCTION unit_moves_by_the_table() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF NEW.stage <> OLD.stage AND NOT EXISTS (
        SELECT FROM orders_move WHERE goods = NEW.goods AND from_stage = OLD.stage AND to_stage = NEW.stage) THEN
        RAISE EXCEPTION 'a % cannot go from % to %', NEW.goods, OLD.stage, NEW.stage USING ERRCODE = 'AN004';
    END IF;
    IF NEW.money <> OLD.money AND NOT EXISTS (SELECT FROM orders_money_move WHERE from_money = OLD.money AND to_money = NEW.money) THEN
        RAISE EXCEPTION 'money of a unit cannot go from % to %', OLD.money, NEW.money USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER unit_moves BEFORE UPDATE OF stage, money ON orders_unit
    FOR EACH ROW WHEN (NEW.stage IS DISTINCT FROM OLD.stage OR NEW.money IS DISTINCT FROM OLD.money)
    EXECUTE FUNCTION unit_moves_by_the_table();

CREATE FUNCTION unit_begins_reserved() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a unit begins reserved and unpaid' USING ERRCODE = 'AN004'; END $$;
CREATE TRIGGER unit_begins BEFORE INSERT ON orders_unit
    FOR EACH ROW WHEN (NEW.stage <> 'reserved' OR NEW.money <> 'none') EXECUTE FUNCTION unit_begins_reserved();

-- Every version of the decision rules that was ever in force, as the texts of its files. An order names the version it was placed under.
CREATE TABLE orders_policy (
    version text PRIMARY KEY,
    texts jsonb NOT NULL,
    published_at timestamptz NOT NULL
);
CREATE TRIGGER policy_append_only BEFORE UPDATE OR DELETE ON orders_policy FOR EACH ROW EXECUTE FUNCTION refuse_change();
