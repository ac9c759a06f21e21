-- Reserve keys for the units of an order, first in first out; rows another buyer is just taking are skipped, so nobody waits and
-- nothing is sold twice. Returns the keys in order; refused where there are not enough.
CREATE OR REPLACE FUNCTION reserve_keys(in_shop bigint, in_product bigint, in_order bigint, in_positions integer[], in_at timestamptz)
RETURNS bigint[] LANGUAGE plpgsql AS
$$
DECLARE picked bigint[];
BEGIN
    FOR look IN 1..2 LOOP
        SELECT array_agg(id) INTO picked FROM (
            SELECT id FROM vault_key WHERE shop_id = in_shop AND product_id = in_product AND status = 'available'
            ORDER BY id LIMIT cardinality(in_positions) FOR UPDATE SKIP LOCKED) AS free;
        EXIT WHEN cardinality(picked) = cardinality(in_positions);
        IF look = 2 THEN
            RAISE EXCEPTION 'not enough keys' USING ERRCODE = 'AN001';
        END IF;
        -- Keys that are just being sealed anew are not sold: wait for that batch and look again.
        PERFORM pg_advisory_xact_lock_shared(7266734);
    END LOOP;
    UPDATE vault_key SET status = 'reserved' WHERE shop_id = in_shop AND id = ANY (picked);
    INSERT INTO vault_allocation (shop_id, key_id, order_id, position, allocated_at)
        SELECT in_shop, pair.key_id, in_order, pair.position, in_at FROM unnest(picked, in_positions) AS pair (key_id, position);
    RETURN picked;
END
$$;

-- Bring allocated keys to the status their unit has reached; a key that leaves its unit ends its allocation.
CREATE OR REPLACE FUNCTION move_keys(in_shop bigint, in_keys bigint[], in_status text, in_at timestamptz) RETURNS void LANGUAGE sql AS
$$
    UPDATE vault_key SET status = in_status WHERE shop_id = in_shop AND id = ANY (in_keys);
    UPDATE vault_allocation SET ended_at = in_at, ended_as = in_status
        WHERE shop_id = in_shop AND key_id = ANY (in_keys) AND ended_at IS NULL AND in_status IN ('available', 'held', 'voided');
$$;

-- How many keys of a product can be sold now, counted up to a limit: lists show "more than 999" instead of counting a million.
CREATE OR REPLACE FUNCTION available_keys(in_shop bigint, in_product bigint, in_most integer) RETURNS integer LANGUAGE sql STABLE AS
$$
    SELECT count(*)::integer FROM (
        SELECT FROM vault_key WHERE shop_id = in_shop AND product_id = in_product AND status = 'available' LIMIT in_most) AS free;
$$;

-- Set keys aside for a replacement that is offered: nobody else can buy them, no unit has them yet. Refused where there are not enough.
CREATE OR REPLACE FUNCTION hold_keys(in_shop bigint, in_product bigint, in_count integer) RETURNS bigint[] LANGUAGE plpgsql AS
$$
DECLARE picked bigint[];
BEGIN
    SELECT array_agg(id) INTO picked FROM (
        SELECT id FROM vault_key WHERE shop_id = in_shop AND product_id = in_product AND status = 'available'
        ORDER BY id LIMIT in_count FOR UPDATE SKIP LOCKED) AS free;
    IF coalesce(cardinality(picked), 0) < in_count THEN
        RAISE EXCEPTION 'not enough keys to replace' USING ERRCODE = 'AN009';
    END IF;
    UPDATE vault_key SET status = 'reserved' WHERE shop_id = in_shop AND id = ANY (picked);
    RETURN picked;
END
$$;

-- Put keys back on the shelf that were set aside and never handed out.
CREATE OR REPLACE FUNCTION free_keys(in_shop bigint, in_keys bigint[]) RETURNS void LANGUAGE sql AS
$$
    UPDATE vault_key SET status = 'available' WHERE shop_id = in_shop AND id = ANY (in_keys) AND status = 'reserved'
        AND NOT EXISTS (SELECT FROM vault_allocation AS allocation WHERE allocation.shop_id = in_shop AND allocation.key_id = vault_key.id
                        AND allocation.ended_at IS NULL);
$$;
