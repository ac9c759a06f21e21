-- Move units of one order from one stage to the next, their keys with them. All of them or none: a unit that has moved meanwhile
-- refuses the whole, and so does opening one whose money an open case has frozen. One event is recorded, under the order's lock.
CREATE OR REPLACE FUNCTION move_units(in_shop bigint, in_order bigint, in_at timestamptz, in_actor text, in_person bigint, in_move jsonb)
RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
    wanted integer[] := ARRAY(SELECT value::integer FROM jsonb_array_elements_text(in_move -> 'positions'));
    made text := in_move ->> 'move';
    next_stage text := in_move ->> 'stage';
    next_money text := in_move ->> 'money';
    key_status text := in_move ->> 'key_status';
    refunded bigint := coalesce((in_move ->> 'refund_each_minor')::bigint, 0);
    keys bigint[];
    moved integer;
BEGIN
    SELECT array_agg(key_id) INTO keys FROM orders_unit
        WHERE shop_id = in_shop AND order_id = in_order AND position = ANY (wanted) AND key_id IS NOT NULL;
    UPDATE orders_unit AS unit SET
            stage = next_stage,
            money = coalesce(next_money, money),
            since = in_at,
            refunded_minor = refunded_minor + refunded,
            delivered_at = CASE WHEN made IN ('seal', 'hand_over', 'finish') THEN in_at ELSE delivered_at END,
            revealed_at = CASE WHEN made = 'reveal' THEN in_at ELSE revealed_at END,
            revealed_by = CASE WHEN made = 'reveal' THEN in_person ELSE revealed_by END,
            key_id = CASE WHEN key_status IN ('available', 'held', 'voided') AND next_stage <> 'closed_out' THEN NULL ELSE key_id END,
            merchant_minor = CASE WHEN next_stage = 'replaced' THEN 0 ELSE merchant_minor END
        FROM orders_move AS allowed
        WHERE shop_id = in_shop AND order_id = in_order AND position = ANY (wanted)
          AND allowed.goods = unit.goods AND allowed.from_stage = unit.stage AND allowed.move = made
          AND allowed.to_stage = next_stage
          AND (made <> 'reveal' OR unit.frozen_minor = 0);
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(wanted) THEN
        RAISE EXCEPTION 'a unit has moved meanwhile' USING ERRCODE = 'AN004';
    END IF;
    IF key_status IS NOT NULL AND keys IS NOT NULL THEN
        PERFORM move_keys(in_shop, keys, key_status, in_at);
    END IF;
    PERFORM record_event(in_shop, in_order, in_at, in_actor, in_move ->> 'what', wanted, made, next_stage, in_move -> 'details');
END
$$;

-- Change the money axis of units without touching the goods: confirmed, settled, refund arrived. What an open case has frozen is neither
-- confirmed nor settled.
CREATE OR REPLACE FUNCTION move_unit_money(in_shop bigint, in_order bigint, in_at timestamptz, in_change jsonb) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
    wanted integer[] := ARRAY(SELECT value::integer FROM jsonb_array_elements_text(in_change -> 'positions'));
    moved integer;
BEGIN
    UPDATE orders_unit SET money = in_change ->> 'money',
            refunded_minor = refunded_minor + coalesce((in_change ->> 'refund_each_minor')::bigint, 0),
            confirmed_at = CASE WHEN in_change ->> 'money' = 'released' THEN in_at ELSE confirmed_at END
        WHERE shop_id = in_shop AND order_id = in_order AND position = ANY (wanted)
          AND (in_change ->> 'money' NOT IN ('released', 'settled') OR frozen_minor = 0);
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(wanted) THEN
        RAISE EXCEPTION 'a unit is missing, or its money is frozen' USING ERRCODE = 'AN004';
    END IF;
END
$$;

-- Say how much of units the merchant has, once it is known; `confirmed` where they count as confirmed from now on.
CREATE OR REPLACE FUNCTION share_units(in_shop bigint, in_order bigint, in_at timestamptz, in_shares jsonb) RETURNS void LANGUAGE sql AS
$$
    UPDATE orders_unit AS unit SET merchant_minor = share.merchant_minor,
            confirmed_at = CASE WHEN share.confirmed THEN coalesce(unit.confirmed_at, in_at) ELSE unit.confirmed_at END
        FROM jsonb_to_recordset(in_shares) AS share (position integer, merchant_minor bigint, confirmed boolean)
        WHERE unit.shop_id = in_shop AND unit.order_id = in_order AND unit.position = share.position;
$$;

-- Add reserved units: at purchase, and when late money is served after all. Goods from stock get keys of their own; goods that the
-- merchant hands over have none until then.
CREATE OR REPLACE FUNCTION add_units(in_shop bigint, in_order bigint, in_product bigint, in_goods text, in_at timestamptz,
    in_positions integer[], in_amounts bigint[]) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE keys bigint[];
BEGIN
    IF in_goods = 'card_key' AND EXISTS (
        SELECT FROM catalog_product WHERE shop_id = in_shop AND id = in_product AND delivery = 'auto') THEN
        keys := reserve_keys(in_shop, in_product, in_order, in_positions, in_at);
    END IF;
    INSERT INTO orders_unit (shop_id, order_id, position, goods, amount_minor, since, key_id)
        SELECT in_shop, in_order, unit.position, in_goods, unit.amount_minor, in_at, unit.key_id
        FROM unnest(in_positions, in_amounts, coalesce(keys, ARRAY[]::bigint[])) AS unit (position, amount_minor, key_id);
END
$$;

-- Put new units in the place of others, one for one, with keys that were reserved for them: unpaid and reserved like every new unit.
-- What was argued so far is counted on; the money follows by the moves of both.
CREATE OR REPLACE FUNCTION add_replacements(in_shop bigint, in_order bigint, in_at timestamptz, in_replacements jsonb) RETURNS void
LANGUAGE sql AS
$$
    INSERT INTO orders_unit (shop_id, order_id, position, goods, amount_minor, refunded_minor, since, key_id, replaces, case_count)
        SELECT in_shop, in_order, new.position, old.goods, old.amount_minor - old.refunded_minor, 0, in_at, new.key_id, old.position,
               old.case_count
        FROM jsonb_to_recordset(in_replacements) AS new (position integer, key_id bigint, replaces integer)
            JOIN orders_unit AS old ON old.shop_id = in_shop AND old.order_id = in_order AND old.position = new.replaces;
    INSERT INTO vault_allocation (shop_id, key_id, order_id, position, allocated_at)
        SELECT in_shop, new.key_id, in_order, new.position, in_at
        FROM jsonb_to_recordset(in_replacements) AS new (position integer, key_id bigint, replaces integer);
$$;

-- Give units that the merchant hands over the keys that were just put into the vault for them.
CREATE OR REPLACE FUNCTION hand_keys_to_units(in_shop bigint, in_order bigint, in_at timestamptz, in_keys jsonb) RETURNS void
LANGUAGE sql AS
$$
    UPDATE orders_unit AS unit SET key_id = given.key_id
        FROM jsonb_to_recordset(in_keys) AS given (position integer, key_id bigint)
        WHERE unit.shop_id = in_shop AND unit.order_id = in_order AND unit.position = given.position AND unit.key_id IS NULL;
    INSERT INTO vault_allocation (shop_id, key_id, order_id, position, allocated_at)
        SELECT in_shop, given.key_id, in_order, given.position, in_at FROM jsonb_to_recordset(in_keys) AS given (position integer, key_id bigint);
$$;
