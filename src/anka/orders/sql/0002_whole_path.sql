-- What a unit carries beyond the first path: what the records say about its key, what of its money sits with the merchant, and which
-- unit it replaces.
ALTER TABLE orders_unit
    ADD COLUMN use_check text NOT NULL DEFAULT 'unknown'
        CHECK (use_check IN ('unknown', 'unused', 'used_before_reveal', 'used_after_reveal', 'invalid')),
    ADD COLUMN used_by text NOT NULL DEFAULT 'unknown' CHECK (used_by IN ('unknown', 'buyer', 'other')),
    ADD COLUMN voidable boolean NOT NULL DEFAULT false,
    ADD COLUMN matches_order text NOT NULL DEFAULT 'unknown' CHECK (matches_order IN ('unknown', 'yes', 'no')),
    ADD COLUMN delivered_percent integer CHECK (delivered_percent BETWEEN 0 AND 100),
    ADD COLUMN issuer_asked_at timestamptz,
    ADD COLUMN merchant_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN case_count integer NOT NULL DEFAULT 0 CHECK (case_count >= 0),
    ADD COLUMN replaces integer,
    ADD CONSTRAINT unit_merchant_part_within_amount CHECK (merchant_minor BETWEEN 0 AND amount_minor),
    ADD CONSTRAINT unit_replaces_an_earlier_one CHECK (replaces IS NULL OR replaces < position),
    DROP CONSTRAINT unit_unpaid_stays_unpaid,
    DROP CONSTRAINT unit_given_back_holds_no_key,
    -- Nothing but a unit that was never paid, or whose money moved on to the unit that replaces it, is without money.
    ADD CONSTRAINT unit_unpaid_stays_unpaid CHECK (stage IN ('reserved', 'released', 'replaced') OR money <> 'none'),
    ADD CONSTRAINT unit_replaced_has_no_money CHECK (stage <> 'replaced' OR money = 'none'),
    ADD CONSTRAINT unit_given_back_holds_no_key CHECK (stage NOT IN ('released', 'recalled', 'voided', 'replaced') OR key_id IS NULL);
-- Goods handed over by the merchant come when they come: a card key has its key from the moment it is sealed, as the CHECK on
-- delivery says; before that only goods from stock do.

-- Units confirmed before this column existed: the merchant has what was left of them, less the commission.
UPDATE orders_unit AS unit SET merchant_minor = (unit.amount_minor - unit.refunded_minor)
        - (unit.amount_minor - unit.refunded_minor) * o.commission_basis_points / 10000
    FROM orders_order AS o WHERE o.shop_id = unit.shop_id AND o.id = unit.order_id AND unit.money IN ('released', 'settled');
UPDATE orders_unit AS unit SET case_count = argued.times
    FROM (SELECT shop_id, order_id, position, count(*) AS times FROM cases_unit GROUP BY 1, 2, 3) AS argued
    WHERE argued.shop_id = unit.shop_id AND argued.order_id = unit.order_id AND argued.position = unit.position;
