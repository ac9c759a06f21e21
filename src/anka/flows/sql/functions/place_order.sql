-- Everything needed to decide on a purchase, in one round trip; locks nothing.
CREATE OR REPLACE FUNCTION read_for_purchase(in_product text, in_person bigint, in_token bigint, in_real_now timestamptz, in_now timestamptz,
    in_request jsonb, in_budget jsonb) RETURNS text LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
    shop accounts_shop;
    product catalog_product;
    wait numeric := 0;
    replay text := known_request(in_request ->> 'caller', in_request ->> 'key', decode(in_request ->> 'fingerprint', 'hex'));
BEGIN
    IF replay IS NULL AND in_budget IS NOT NULL THEN
        wait := take_token('place_order', in_request ->> 'caller', (in_budget ->> 'capacity')::numeric,
                           (in_budget ->> 'per_second')::numeric, in_real_now);
    END IF;
    SELECT * INTO shop FROM accounts_shop WHERE code = split_part(in_product, '-', 1);
    SELECT * INTO product FROM catalog_product WHERE shop_id = shop.id AND number = in_product;
    IF product.id IS NULL THEN
        RETURN json_build_object('found', false, 'wait_seconds', wait, 'replay', replay)::text;
    END IF;
    RETURN (SELECT json_build_object('found', true, 'wait_seconds', wait, 'replay', replay,
            'standing', standing(in_person, in_token, shop.id, in_real_now),
            'shop_id', shop.id, 'shop_code', shop.code, 'shop_open', shop.is_open, 'deposit_short', deposit_short(shop.id), 'shop_name_zh', shop.name_zh,
            'commission_basis_points', shop.commission_basis_points,
            'product_id', product.id, 'number', product.number, 'kind', product.kind, 'delivery', product.delivery,
            'title_zh', product.title_zh, 'title_en', product.title_en, 'face_value', product.face_value, 'region', product.region,
            'price_minor', product.price_minor, 'currency', product.currency, 'on_sale', product.on_sale,
            'terms_version', terms.version, 'refund_window_minutes', terms.refund_window_minutes,
            'warranty_minutes', terms.warranty_minutes, 'promise_minutes', terms.promise_minutes, 'hold_minutes', terms.hold_minutes,
            'maximum_quantity', terms.maximum_quantity, 'notice_zh', terms.notice_zh, 'notice_en', terms.notice_en,
            'policy_version', policy_in_force(in_now),
            'duplicate_of', (SELECT number FROM orders_order AS earlier
                WHERE earlier.shop_id = shop.id AND earlier.buyer_id = in_person AND earlier.product_id = product.id
                  AND earlier.placed_at > in_now - interval '10 minutes' AND earlier.placed_at <= in_now AND earlier.closed_at IS NULL
                ORDER BY earlier.placed_at DESC LIMIT 1))::text
        FROM catalog_terms AS terms
        WHERE terms.shop_id = shop.id AND terms.product_id = product.id AND terms.version = product.terms_version);
END
$$;

-- Write a placed order: stock reserved (AN001 where there is not enough), hold clock running, request remembered. It is judged by the rules
-- in force at this moment and no others (AN010).
CREATE OR REPLACE FUNCTION write_placed_order(in_shop bigint, in_at timestamptz, in_actor text, in_buyer bigint, in_order jsonb)
RETURNS void LANGUAGE plpgsql SET lock_timeout = '3s' SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
    placed bigint;
    request jsonb := in_order -> 'request';
    amounts bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(in_order -> 'amounts_minor'));
BEGIN
    -- First of all: a simultaneous twin waits here for our commit, instead of finding the last key gone.
    PERFORM remember_request(request ->> 'caller', request ->> 'key', decode(request ->> 'fingerprint', 'hex'),
        in_order ->> 'number', (request ->> 'made_at')::timestamptz);
    IF policy_in_force(in_at) IS DISTINCT FROM in_order ->> 'policy_version' THEN
        RAISE EXCEPTION 'other rules are in force' USING ERRCODE = 'AN010';
    END IF;
    INSERT INTO orders_order (shop_id, number, buyer_id, product_id, terms_version, quantity, amount_minor, currency,
            commission_basis_points, notice, policy_version, snapshot, placed_at, hold_until)
        VALUES (in_shop, in_order ->> 'number', in_buyer, (in_order ->> 'product_id')::bigint, (in_order ->> 'terms_version')::integer,
            cardinality(amounts), (SELECT sum(amount) FROM unnest(amounts) AS amount), in_order ->> 'currency',
            (in_order ->> 'commission_basis_points')::integer, in_order ->> 'notice', in_order ->> 'policy_version',
            convert_to(in_order ->> 'snapshot', 'UTF8'), in_at, (in_order ->> 'hold_until')::timestamptz)
        RETURNING id INTO placed;
    PERFORM add_units(in_shop, placed, (in_order ->> 'product_id')::bigint, in_order ->> 'goods', in_at,
        ARRAY(SELECT generate_series(1, cardinality(amounts))), amounts);
    PERFORM record_event(in_shop, placed, in_at, in_actor, 'order_placed', ARRAY(SELECT generate_series(1, cardinality(amounts))),
        NULL, NULL, jsonb_build_object('amount_minor', (SELECT sum(amount) FROM unnest(amounts) AS amount), 'notice', in_order ->> 'notice',
        'policy', in_order ->> 'policy_version', 'snapshot', encode(sha256(convert_to(in_order ->> 'snapshot', 'UTF8')), 'hex')));
    PERFORM start_clock(in_shop, placed, 0, 'hold', in_at, (in_order ->> 'hold_until')::timestamptz);
END
$$;
