-- Everything needed to decide about one refund attempt, under the lock of its order (the same lock every flow on the order takes), or,
-- where unidentified money without an order goes back, under that of the refund.
CREATE OR REPLACE FUNCTION lock_attempt(in_number text) RETURNS text LANGUAGE plpgsql VOLATILE SET lock_timeout = '3s' AS
$$
DECLARE
    shop bigint := shop_of_number(in_number);
    asked payments_refund;
BEGIN
    SELECT refund.* INTO asked FROM payments_attempt AS attempt
        JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
        WHERE attempt.shop_id = shop AND attempt.number = in_number;
    IF asked.id IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM orders_order WHERE shop_id = shop AND id = asked.order_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM 1 FROM payments_refund WHERE shop_id = shop AND id = asked.id FOR NO KEY UPDATE;
    END IF;
    RETURN (SELECT json_build_object('shop_id', attempt.shop_id, 'shop_code', split_part(in_number, '-', 1), 'order_id', refund.order_id,
            'buyer_id', coalesce(o.buyer_id, refund.person_id, 0), 'currency', refund.currency,
            'attempt_id', attempt.id, 'is_latest', NOT EXISTS (SELECT FROM payments_attempt AS later WHERE later.shop_id = attempt.shop_id
                AND later.refund_id = attempt.refund_id AND later.leg = attempt.leg AND later.id > attempt.id), 'number', attempt.number, 'status', attempt.status, 'channel', attempt.channel,
            'amount_minor', attempt.amount_minor, 'asked', attempt.asked, 'created_at', attempt.created_at, 'leg', attempt.leg,
            'submitted_at', attempt.submitted_at, 'mended_at', attempt.mended_at, 'ended_at', attempt.ended_at,
            'leg_channel', leg.channel, 'leg_status', leg.status, 'alarmed_at', leg.alarmed_at, 'intended_at', refund.intended_at,
            'reversals', (SELECT count(*) FROM payments_attempt AS bounced WHERE bounced.shop_id = refund.shop_id
                AND bounced.refund_id = refund.id AND bounced.leg = attempt.leg AND bounced.status = 'reversed'),
            'stuck', (SELECT json_build_object('id', stuck.id, 'reason', stuck.reason, 'since', stuck.since, 'due_at', stuck.due_at,
                    'owner', stuck.owner) FROM payments_stuck AS stuck WHERE stuck.shop_id = leg.shop_id
                AND stuck.refund_id = leg.refund_id AND stuck.leg = leg.leg AND stuck.ended_at IS NULL),
            'proof', (SELECT json_build_object('id', proof.id, 'kind', proof.kind, 'says', proof.says, 'payee', proof.payee,
                    'bank', proof.bank, 'reference', proof.reference, 'amount_minor', proof.amount_minor, 'made_by', proof.made_by,
                    'made_at', proof.made_at) FROM payments_proof AS proof WHERE proof.shop_id = attempt.shop_id
                AND proof.attempt_id = attempt.id AND proof.status = 'open'),
            'is_charged_back', EXISTS (SELECT FROM payments_dispute AS dispute WHERE dispute.shop_id = leg.shop_id
                AND dispute.payment_id = leg.payment_id AND dispute.kind = 'chargeback' AND dispute.status = 'open'),
            'refund_id', refund.id, 'refund_number', refund.number, 'refund_status', refund.status,
            'payment_number', coalesce(payment.number, odd.payment_number), 'payment_channel', coalesce(payment.channel, odd.channel),
            'payment_amount_minor', coalesce(payment.amount_minor, odd.amount_minor),
            'transaction_number', coalesce(payment.transaction_number, odd.transaction_number),
            'other_legs_open', (SELECT count(*) FROM payments_leg AS other WHERE other.shop_id = refund.shop_id AND other.refund_id = refund.id
                                AND other.leg <> attempt.leg AND other.status <> 'succeeded'),
            'attempts_so_far', (SELECT count(*) FROM payments_attempt AS earlier WHERE earlier.shop_id = refund.shop_id
                                AND earlier.refund_id = refund.id AND earlier.leg = attempt.leg),
            'units', (SELECT coalesce(json_agg(json_build_object('position', repaid.position, 'amount_minor', repaid.amount_minor,
                        'money', unit.money, 'unit_amount_minor', unit.amount_minor, 'unit_refunded_minor', unit.refunded_minor)
                        ORDER BY repaid.position), '[]')
                FROM payments_refund_unit AS repaid JOIN orders_unit AS unit USING (shop_id, order_id, position)
                WHERE repaid.shop_id = refund.shop_id AND repaid.refund_id = refund.id))::text
        FROM payments_attempt AS attempt
            JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
            LEFT JOIN orders_order AS o ON o.shop_id = refund.shop_id AND o.id = refund.order_id
            JOIN payments_leg AS leg ON leg.shop_id = attempt.shop_id AND leg.refund_id = attempt.refund_id AND leg.leg = attempt.leg
            LEFT JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id AND payment.id = leg.payment_id
            LEFT JOIN payments_unidentified AS odd ON odd.shop_id = leg.shop_id AND odd.id = leg.unidentified_id
        WHERE attempt.shop_id = shop AND attempt.number = in_number);
END
$$;

-- Another attempt on the leg of one that is over. One that a person carries out (`manual`) is nobody's work in the outbox.
CREATE OR REPLACE FUNCTION add_attempt(in_shop bigint, in_after payments_attempt, in_at timestamptz, in_number text, in_channel text,
    in_status text) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO payments_attempt (shop_id, number, refund_id, leg, channel, amount_minor, status, created_at)
        VALUES (in_shop, in_number, in_after.refund_id, in_after.leg, in_channel, in_after.amount_minor, in_status, in_at);
    UPDATE payments_payment AS payment SET refunds_made = payment.refunds_made + 1, last_refund_at = in_at
        FROM payments_leg AS leg WHERE leg.shop_id = in_shop AND leg.refund_id = in_after.refund_id AND leg.leg = in_after.leg
            AND payment.shop_id = in_shop AND payment.id = leg.payment_id AND payment.channel = in_channel;
    IF in_status = 'created' THEN
        PERFORM ask_for_work(in_shop, 'refund', in_number, in_at, in_at);
    END IF;
END
$$;

-- Write what an attempt has become, its leg and its refund with it, and keep the evidence.
CREATE OR REPLACE FUNCTION write_attempt(in_shop bigint, in_attempt bigint, in_at timestamptz, in_change jsonb) RETURNS void
LANGUAGE plpgsql AS
$$
DECLARE
    changed payments_attempt;
    evidence jsonb := in_change -> 'evidence';
BEGIN
    UPDATE payments_attempt SET
            status = in_change ->> 'status',
            submitted_at = CASE WHEN in_change ->> 'status' = 'submitting' THEN coalesce(submitted_at, in_at) ELSE submitted_at END,
            asked = asked + coalesce((in_change ->> 'asked')::integer, 0),
            channel_number = coalesce(in_change ->> 'channel_number', channel_number),
            mended_at = CASE WHEN in_change ? 'mended' THEN coalesce(mended_at, in_at) ELSE mended_at END,
            ended_at = CASE WHEN in_change ->> 'status' IN ('succeeded', 'closed', 'failed', 'reversed') THEN coalesce(ended_at, in_at) END
        WHERE shop_id = in_shop AND id = in_attempt RETURNING * INTO STRICT changed;
    IF evidence IS NOT NULL THEN
        INSERT INTO payments_evidence (shop_id, attempt_id, received_at, source, status, channel_number, digest, applied)
            VALUES (in_shop, in_attempt, in_at, evidence ->> 'source', evidence ->> 'status', evidence ->> 'channel_number',
                    decode(evidence ->> 'digest', 'hex'), (evidence ->> 'applied')::boolean);
    END IF;
    IF in_change ? 'leg_status' THEN
        UPDATE payments_leg SET status = in_change ->> 'leg_status',
                ended_at = CASE WHEN in_change ->> 'leg_status' IN ('succeeded', 'failed') THEN in_at ELSE NULL END
            WHERE shop_id = in_shop AND refund_id = changed.refund_id AND leg = changed.leg AND status <> in_change ->> 'leg_status';
        UPDATE payments_unidentified AS odd SET status = CASE leg.status WHEN 'succeeded' THEN 'returned' ELSE 'returning' END
            FROM payments_leg AS leg WHERE leg.shop_id = in_shop AND leg.refund_id = changed.refund_id AND leg.leg = changed.leg
                AND odd.shop_id = leg.shop_id AND odd.id = leg.unidentified_id
                AND (odd.status = 'returned') <> (leg.status = 'succeeded');
    END IF;
    IF in_change ? 'refund_status' THEN
        UPDATE payments_refund SET status = in_change ->> 'refund_status',
                ended_at = CASE WHEN in_change ->> 'refund_status' IN ('succeeded', 'failed') THEN in_at ELSE NULL END
            WHERE shop_id = in_shop AND id = changed.refund_id AND status <> in_change ->> 'refund_status';
    END IF;
    IF in_change ? 'alarmed' THEN
        UPDATE payments_leg SET alarmed_at = coalesce(alarmed_at, in_at) WHERE shop_id = in_shop AND refund_id = changed.refund_id
            AND leg = changed.leg;
    END IF;
    IF in_change ? 'unstuck' THEN
        UPDATE payments_stuck SET ended_at = in_at, ended_as = in_change ->> 'unstuck'
            WHERE shop_id = in_shop AND refund_id = changed.refund_id AND leg = changed.leg AND ended_at IS NULL;
    END IF;
    IF in_change ? 'stuck' THEN
        INSERT INTO payments_stuck AS known (shop_id, refund_id, leg, reason, since, due_at)
            VALUES (in_shop, changed.refund_id, changed.leg, in_change -> 'stuck' ->> 'reason', in_at,
                    (in_change -> 'stuck' ->> 'due_at')::timestamptz)
            ON CONFLICT (shop_id, refund_id, leg) WHERE ended_at IS NULL
            -- That somebody may have been paid already is looked into first, whatever becomes of the newest attempt meanwhile.
            DO UPDATE SET reason = CASE known.reason WHEN 'paid_twice' THEN known.reason ELSE excluded.reason END, due_at = least(known.due_at, excluded.due_at);
    END IF;
    IF in_change ? 'next_attempt' THEN
        PERFORM add_attempt(in_shop, changed, in_at, in_change ->> 'next_attempt', coalesce(in_change ->> 'next_channel', changed.channel),
            coalesce(in_change ->> 'next_status', 'created'));
    END IF;
END
$$;
