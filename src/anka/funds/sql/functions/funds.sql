-- Lock a shop's funds: one step at a time, whoever comes second waits and sees what the first has done. Orders do not wait for it.
-- Returns who the actor is, whether the request was carried out before, and the shop. NULL where there is no such shop.
CREATE OR REPLACE FUNCTION lock_funds(in_shop bigint, in_person bigint, in_token bigint, in_real_now timestamptz, in_request jsonb)
RETURNS text LANGUAGE plpgsql VOLATILE SET lock_timeout = '3s' AS
$$
BEGIN
    PERFORM pg_advisory_xact_lock(7266742, (in_shop % 2147483647)::integer);
    RETURN (SELECT json_build_object('shop_id', shop.id, 'shop_code', shop.code, 'shop_open', shop.is_open,
            'standing', standing(in_person, in_token, shop.id, in_real_now),
            'replay', known_request(in_request ->> 'caller', in_request ->> 'key', decode(in_request ->> 'fingerprint', 'hex')))::text
        FROM accounts_shop AS shop WHERE shop.id = in_shop);
END
$$;

-- Tell whether a shop has put down less than the least it needs for new orders.
CREATE OR REPLACE FUNCTION deposit_short(in_shop bigint) RETURNS boolean LANGUAGE sql STABLE AS
$$
    SELECT coalesce((SELECT terms.floor_minor > account_balance(in_shop, format('merchant:%s:deposit', in_shop), terms.currency)
                     FROM funds_terms AS terms WHERE terms.shop_id = in_shop AND terms.floor_minor > 0), false);
$$;

-- Append one step to the chain of a shop's funds. One at a time: whoever comes second waits for the lock that lock_funds() takes, too.
CREATE OR REPLACE FUNCTION record_funds_step(in_shop bigint, in_at timestamptz, in_actor text, in_what text, in_number text,
    in_details jsonb) RETURNS void LANGUAGE plpgsql VOLATILE SET lock_timeout = '3s' AS
$$
BEGIN
    PERFORM pg_advisory_xact_lock(7266742, (in_shop % 2147483647)::integer);
    PERFORM record_event(in_shop, 0, in_at, in_actor, in_what, ARRAY[]::integer[], NULL, NULL,
        in_details || jsonb_build_object('number', in_number));
END
$$;
