-- Lock an order and read everything a flow may need to decide about it, in one round trip: the order, its units, its payments, the
-- terms it was bought under, who the actor is in its shop, and whether this request was already carried out. The lock comes first and
-- the reading after it, in a later statement: under READ COMMITTED a statement that had to wait re-reads only the rows it locked.
-- Returns NULL where there is no such order. Waits 3 s for the lock.
CREATE OR REPLACE FUNCTION lock_order(in_number text, in_person bigint, in_token bigint, in_real_now timestamptz,
    in_caller text, in_key text, in_fingerprint bytea) RETURNS text LANGUAGE plpgsql VOLATILE
SET lock_timeout = '3s' SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
    shop bigint;
    locked bigint;
BEGIN
    SELECT id INTO shop FROM accounts_shop WHERE code = split_part(in_number, '-', 1);
    SELECT id INTO locked FROM orders_order WHERE shop_id = shop AND number = in_number FOR NO KEY UPDATE;
    IF locked IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN order_state(shop, locked, in_person, in_token, in_real_now, known_request(in_caller, in_key, in_fingerprint));
END
$$;

-- The same without a lock, for pages and quotes: what is read may be out of date the moment it arrives.
CREATE OR REPLACE FUNCTION read_order(in_number text, in_person bigint, in_token bigint, in_real_now timestamptz) RETURNS text
LANGUAGE sql STABLE AS
$$
    SELECT order_state(shop_id, id, in_person, in_token, in_real_now, NULL) FROM orders_order
        WHERE shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(in_number, '-', 1)) AND number = in_number;
$$;
