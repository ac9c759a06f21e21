-- Payments that pay for no order: they fill their person's wallet, in the platform's books, or a shop's deposit, in the shop's.

-- One of them as JSON, decoded by payments/top_ups.py: TopUp.
CREATE OR REPLACE FUNCTION top_up_json(in_payment payments_payment) RETURNS json LANGUAGE sql STABLE AS
$$
    SELECT json_build_object('shop_id', in_payment.shop_id, 'id', in_payment.id, 'number', in_payment.number,
        'purpose', in_payment.purpose, 'person_id', in_payment.person_id, 'channel', in_payment.channel, 'status', in_payment.status,
        'amount_minor', in_payment.amount_minor, 'currency', in_payment.currency, 'created_at', in_payment.created_at,
        'expires_at', in_payment.expires_at, 'paid_at', in_payment.paid_at, 'transaction_number', in_payment.transaction_number,
        'refunded_minor', in_payment.refunded_minor, 'refunds_made', in_payment.refunds_made, 'last_refund_at', in_payment.last_refund_at);
$$;

-- Lock what one person does with the wallet beside paying, one step at a time; whoever comes second sees what the first has done. Returns
-- whether the request was carried out before, and the payments that filled the wallet and are open or have not gone back, newest first.
CREATE OR REPLACE FUNCTION lock_wallet(in_person bigint, in_request jsonb) RETURNS text LANGUAGE plpgsql VOLATILE
SET lock_timeout = '3s' AS
$$
BEGIN
    PERFORM pg_advisory_xact_lock(7266743, (in_person % 2147483647)::integer);
    RETURN (SELECT json_build_object(
        'replay', known_request(in_request ->> 'caller', in_request ->> 'key', decode(in_request ->> 'fingerprint', 'hex')),
        'payments', top_ups_of(0, in_person)))::text;
END
$$;

-- The newest 500 payments of a person in some books that are open or have money left that did not go back, newest first.
CREATE OR REPLACE FUNCTION top_ups_of(in_shop bigint, in_person bigint) RETURNS json LANGUAGE sql STABLE AS
$$
    SELECT coalesce(json_agg(top_up_json(payment) ORDER BY payment.id DESC), '[]'::json)
    FROM (SELECT * FROM payments_payment
          WHERE shop_id = in_shop AND person_id = in_person
            AND (status IN ('created', 'pending') OR status = 'paid' AND refunded_minor < amount_minor)
          ORDER BY id DESC LIMIT 500) AS payment;
$$;

-- Begin one, and have somebody look when its time is over.
CREATE OR REPLACE FUNCTION begin_top_up(in_shop bigint, in_at timestamptz, in_payment jsonb) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO payments_payment (shop_id, number, purpose, person_id, channel, status, amount_minor, currency, created_at, expires_at)
        VALUES (in_shop, in_payment ->> 'number', in_payment ->> 'purpose', (in_payment ->> 'person_id')::bigint,
                in_payment ->> 'channel', 'pending', (in_payment ->> 'amount_minor')::bigint, in_payment ->> 'currency', in_at,
                (in_payment ->> 'expires_at')::timestamptz);
    PERFORM ask_for_work(in_shop, 'top_up', in_payment ->> 'number', in_at, (in_payment ->> 'expires_at')::timestamptz);
END
$$;

-- Lock one and return it as it is then; NULL where there is none under this number.
CREATE OR REPLACE FUNCTION lock_top_up(in_number text) RETURNS text LANGUAGE plpgsql VOLATILE SET lock_timeout = '3s' AS
$$
DECLARE found payments_payment;
BEGIN
    SELECT * INTO found FROM payments_payment
        WHERE shop_id = shop_of_number(in_number) AND number = in_number AND purpose <> 'order' FOR NO KEY UPDATE;
    RETURN CASE WHEN found.id IS NOT NULL THEN top_up_json(found)::text END;
END
$$;

-- Take one as captured, whatever we thought of it before. The channel's transaction number is taken once in the whole installation (AN008).
CREATE OR REPLACE FUNCTION take_top_up(in_shop bigint, in_at timestamptz, in_taken jsonb) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE taken bigint;
BEGIN
    UPDATE payments_payment SET status = 'paid', paid_at = in_at, transaction_number = in_taken ->> 'transaction_number'
        WHERE shop_id = in_shop AND number = in_taken ->> 'payment_number' AND purpose <> 'order' AND status <> 'paid'
        RETURNING id INTO taken;
    IF taken IS NULL THEN
        RAISE EXCEPTION 'no such payment, or it was taken before' USING ERRCODE = 'AN004';
    END IF;
    INSERT INTO payments_transaction (channel, transaction_number, shop_id, payment_id, taken_at)
        VALUES (in_taken ->> 'channel', in_taken ->> 'transaction_number', in_shop, taken, in_at)
        ON CONFLICT (channel, transaction_number) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this transaction was already taken' USING ERRCODE = 'AN008';
    END IF;
    IF in_taken ? 'digest' THEN
        INSERT INTO payments_notice (channel, received_at, digest, verdict, reason, payment_number)
            VALUES (in_taken ->> 'channel', (in_taken ->> 'received_at')::timestamptz, decode(in_taken ->> 'digest', 'hex'), 'taken',
                    'taken', in_taken ->> 'payment_number');
    END IF;
END
$$;
