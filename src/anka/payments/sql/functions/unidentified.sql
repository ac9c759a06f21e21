-- Hold everything about one transaction of a channel until this transaction ends, whether we know it or not.
CREATE OR REPLACE FUNCTION lock_transaction(in_channel text, in_transaction text) RETURNS void LANGUAGE plpgsql SET lock_timeout = '3s' AS
$$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(format('%s %s', in_channel, in_transaction), 0));
END
$$;

-- Unidentified money under lock, as JSON; NULL where there is none under this number.
CREATE OR REPLACE FUNCTION lock_unidentified(in_number text) RETURNS text LANGUAGE sql VOLATILE SET lock_timeout = '3s' AS
$$
    SELECT to_json(found)::text FROM payments_unidentified AS found
        WHERE shop_id = shop_of_number(in_number) AND number = in_number FOR NO KEY UPDATE;
$$;

-- Take money that does not fit, once per transaction of the channel (AN008 otherwise). Returns its id.
CREATE OR REPLACE FUNCTION take_unidentified(in_shop bigint, in_at timestamptz, in_found jsonb) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE kept bigint;
BEGIN
    INSERT INTO payments_unidentified (shop_id, number, reason, channel, transaction_number, payment_number, order_id, expected_minor,
            amount_minor, currency, found_at, status)
        VALUES (in_shop, in_found ->> 'number', in_found ->> 'reason', in_found ->> 'channel', in_found ->> 'transaction_number',
                in_found ->> 'payment_number', (in_found ->> 'order_id')::bigint, (in_found ->> 'expected_minor')::bigint,
                (in_found ->> 'amount_minor')::bigint, in_found ->> 'currency', in_at, 'open')
        RETURNING id INTO kept;
    INSERT INTO payments_transaction (channel, transaction_number, shop_id, unidentified_id, taken_at)
        VALUES (in_found ->> 'channel', in_found ->> 'transaction_number', in_shop, kept, in_at)
        ON CONFLICT (channel, transaction_number) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this transaction was already taken' USING ERRCODE = 'AN008';
    END IF;
    -- The cashier of this payment has done its work; whoever pays what is asked gets a new one.
    UPDATE payments_payment SET status = 'closed' WHERE shop_id = in_shop AND order_id = (in_found ->> 'order_id')::bigint
        AND number = in_found ->> 'payment_number' AND status IN ('created', 'pending');
    RETURN kept;
END
$$;

-- Send unidentified money back: decide about it and write the refund down, in one. The refund's legs name it by unidentified_id.
CREATE OR REPLACE FUNCTION return_unidentified(in_shop bigint, in_id bigint, in_at timestamptz, in_actor text, in_refund jsonb)
RETURNS void LANGUAGE plpgsql AS
$$
DECLARE returned payments_unidentified;
BEGIN
    UPDATE payments_unidentified SET status = 'returning', decided_by = in_actor, decided_at = in_at,
            proposed_order = NULL, proposed_by = NULL, proposed_at = NULL
        WHERE shop_id = in_shop AND id = in_id AND status = 'open' RETURNING * INTO returned;
    IF returned.id IS NULL THEN
        RAISE EXCEPTION 'somebody else has decided about this money' USING ERRCODE = 'AN004';
    END IF;
    PERFORM intend_refund(in_shop, returned.order_id, returned.currency, in_at, in_refund);
END
$$;

-- Let unidentified money pay an order: the payment gets the number the channel knows it by, so that it can be paid back later.
CREATE OR REPLACE FUNCTION match_unidentified(in_shop bigint, in_id bigint, in_at timestamptz, in_actor text, in_order text) RETURNS void
LANGUAGE plpgsql AS
$$
BEGIN
    UPDATE payments_unidentified SET status = 'matched', decided_by = in_actor, decided_at = in_at, matched_order = in_order
        WHERE shop_id = in_shop AND id = in_id AND status = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'somebody else has decided about this money' USING ERRCODE = 'AN004';
    END IF;
END
$$;
