-- Tell whoever works for a shop of something that is about no order.
CREATE OR REPLACE FUNCTION tell_shop(in_shop bigint, in_kind text, in_details jsonb, in_at timestamptz) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO messaging_notice (shop_id, audience, kind, details, made_at) VALUES (in_shop, 'shop', in_kind, in_details, in_at);
$$;
