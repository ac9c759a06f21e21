-- Write down that money goes back: the intent, its legs, the units it repays, and a first attempt per leg. No channel has been
-- asked yet; the attempt's number is fixed here, so that every retry carries the same one. Returns nothing; the floor of the
-- payment's CHECK refuses more than was paid.
-- A leg repays a payment, or money that was never identified (then perhaps without an order). What goes out of a wallet names its person.
CREATE OR REPLACE FUNCTION intend_refund(in_shop bigint, in_order bigint, in_currency text, in_at timestamptz, in_refund jsonb)
RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
    refund bigint;
    one_leg jsonb;
BEGIN
    INSERT INTO payments_refund (shop_id, number, order_id, person_id, cause, case_number, amount_minor, currency, status, intended_at)
        VALUES (in_shop, in_refund ->> 'number', in_order, (in_refund ->> 'person_id')::bigint, in_refund ->> 'cause',
                in_refund ->> 'case_number', (in_refund ->> 'amount_minor')::bigint, in_currency, 'intended', in_at)
        RETURNING id INTO refund;
    INSERT INTO payments_refund_unit (shop_id, refund_id, order_id, position, amount_minor)
        SELECT in_shop, refund, in_order, unit.position, unit.amount_minor
        FROM jsonb_to_recordset(in_refund -> 'units') AS unit (position integer, amount_minor bigint);
    FOR one_leg IN SELECT value FROM jsonb_array_elements(in_refund -> 'legs') LOOP
        -- What goes to the wallet or by hand is no refund in the channel's eyes.
        UPDATE payments_payment SET refunded_minor = refunded_minor + (one_leg ->> 'amount_minor')::bigint,
                refunds_made = refunds_made + (channel = one_leg ->> 'channel')::integer,
                last_refund_at = CASE WHEN channel = one_leg ->> 'channel'
                    THEN greatest(last_refund_at, (one_leg ->> 'not_before')::timestamptz, in_at) ELSE last_refund_at END
            WHERE shop_id = in_shop AND id = (one_leg ->> 'payment_id')::bigint;
        INSERT INTO payments_leg (shop_id, refund_id, leg, payment_id, unidentified_id, channel, amount_minor, status, arrives_by)
            VALUES (in_shop, refund, (one_leg ->> 'leg')::integer, (one_leg ->> 'payment_id')::bigint,
                    (one_leg ->> 'unidentified_id')::bigint, one_leg ->> 'channel', (one_leg ->> 'amount_minor')::bigint, 'intended',
                    (one_leg ->> 'arrives_by')::timestamptz);
        INSERT INTO payments_attempt (shop_id, number, refund_id, leg, channel, amount_minor, status, created_at)
            VALUES (in_shop, one_leg ->> 'attempt', refund, (one_leg ->> 'leg')::integer, one_leg ->> 'channel',
                    (one_leg ->> 'amount_minor')::bigint, 'created', in_at);
        PERFORM ask_for_work(in_shop, 'refund', one_leg ->> 'attempt', in_at,
            coalesce((one_leg ->> 'not_before')::timestamptz, in_at));
    END LOOP;
END
$$;
