-- Tell the buyer of an order, its shop, or the platform what has happened: one insert. `in_kind` names the sentence (web/notice_words.py),
-- `in_details` the few values in it; never a secret. Where there is no such order, nobody is told.
CREATE OR REPLACE FUNCTION tell(in_shop bigint, in_order bigint, in_case text, in_audience text, in_kind text, in_details jsonb,
    in_at timestamptz) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO messaging_notice (shop_id, audience, person_id, order_id, order_number, case_number, kind, details, made_at)
        SELECT in_shop, in_audience, CASE WHEN in_audience = 'buyer' THEN o.buyer_id ELSE 0 END, o.id, o.number, in_case, in_kind,
            coalesce(in_details, '{}'::jsonb), in_at
        FROM orders_order AS o WHERE o.shop_id = in_shop AND o.id = in_order;
END
$$;
