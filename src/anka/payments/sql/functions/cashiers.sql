-- Keep where a payment's cashier is, once: whoever was faster is returned. The payment is locked, so two who asked at once see one answer.
-- NULL where there is no such payment.
CREATE OR REPLACE FUNCTION record_cashier(in_number text, in_device text, in_url text, in_qr text, in_at timestamptz, in_until timestamptz)
RETURNS text LANGUAGE plpgsql VOLATILE SET lock_timeout = '3s' AS
$$
DECLARE
    shop bigint := shop_of_number(in_number);
    payment bigint;
    kept payments_cashier;
BEGIN
    SELECT id INTO payment FROM payments_payment WHERE shop_id = shop AND number = in_number FOR NO KEY UPDATE;
    IF payment IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT * INTO kept FROM payments_cashier
        WHERE shop_id = shop AND payment_id = payment AND device = in_device AND valid_until > in_at ORDER BY id DESC LIMIT 1;
    IF kept.id IS NULL THEN
        INSERT INTO payments_cashier (shop_id, payment_id, device, cashier_url, qr_text, started_at, valid_until)
            VALUES (shop, payment, in_device, in_url, in_qr, in_at, in_until) RETURNING * INTO STRICT kept;
    END IF;
    RETURN json_build_object('device', kept.device, 'cashier_url', kept.cashier_url, 'qr_text', kept.qr_text)::text;
END
$$;
