-- Begin a payment: the number is ours and fixed; a channel has not been asked yet.
CREATE OR REPLACE FUNCTION begin_payment(in_shop bigint, in_order bigint, in_at timestamptz, in_currency text, in_payment jsonb)
RETURNS void LANGUAGE sql AS
$$
    INSERT INTO payments_payment (shop_id, number, order_id, channel, status, amount_minor, currency, created_at, expires_at)
        VALUES (in_shop, in_payment ->> 'number', in_order, in_payment ->> 'channel', 'pending', (in_payment ->> 'amount_minor')::bigint,
                in_currency, in_at, (in_payment ->> 'expires_at')::timestamptz);
$$;

-- Take a payment as captured. The channel's transaction number can be taken once in the whole installation (AN008 otherwise).
-- A payment that failed or was closed by us may still turn out paid: the money is real, whatever we thought. Money that lay unidentified
-- was taken then; it pays the order it was matched to, under the number it came with.
CREATE OR REPLACE FUNCTION take_payment(in_shop bigint, in_order bigint, in_at timestamptz, in_taken jsonb) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE taken bigint;
BEGIN
    UPDATE payments_payment SET status = 'paid', paid_at = in_at, transaction_number = in_taken ->> 'transaction_number'
        WHERE shop_id = in_shop AND number = in_taken ->> 'payment_number' AND order_id = in_order AND status <> 'paid' RETURNING id INTO taken;
    IF taken IS NULL THEN
        RAISE EXCEPTION 'no such payment, or it was taken before' USING ERRCODE = 'AN004';
    END IF;
    INSERT INTO payments_transaction (channel, transaction_number, shop_id, payment_id, taken_at)
        VALUES (in_taken ->> 'channel', in_taken ->> 'transaction_number', in_shop, taken, in_at)
        ON CONFLICT (channel, transaction_number) DO NOTHING;
    IF NOT FOUND AND NOT EXISTS (
        SELECT FROM payments_unidentified AS odd JOIN orders_order AS o ON o.shop_id = in_shop AND o.id = in_order
        WHERE odd.shop_id = 0 AND odd.channel = in_taken ->> 'channel' AND odd.transaction_number = in_taken ->> 'transaction_number'
            AND odd.payment_number = in_taken ->> 'payment_number' AND odd.status = 'matched' AND odd.matched_order = o.number)
    THEN
        RAISE EXCEPTION 'this transaction was already taken' USING ERRCODE = 'AN008';
    END IF;
END
$$;
