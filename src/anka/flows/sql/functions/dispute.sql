-- What a dispute writes beside its change of the order (change_order). The caller holds the order's lock, or that of a payment without order.

-- Make a dispute known; its number is ours.
CREATE OR REPLACE FUNCTION begin_dispute(in_shop bigint, in_order bigint, in_payment bigint, in_at timestamptz, in_dispute jsonb)
RETURNS bigint LANGUAGE sql AS
$$
    INSERT INTO payments_dispute (shop_id, number, order_id, payment_id, kind, channel, channel_number, amount_minor, currency, reason,
            status, opened_at, evidence_due_at)
        VALUES (in_shop, in_dispute ->> 'number', in_order, in_payment, in_dispute ->> 'kind', in_dispute ->> 'channel',
                in_dispute ->> 'channel_number', (in_dispute ->> 'amount_minor')::bigint, in_dispute ->> 'currency',
                in_dispute ->> 'reason', 'open', in_at, (in_dispute ->> 'evidence_due_at')::timestamptz)
        RETURNING id;
$$;

-- Keep what was said about it.
CREATE OR REPLACE FUNCTION keep_dispute_evidence(in_shop bigint, in_dispute bigint, in_at timestamptz, in_said jsonb) RETURNS void
LANGUAGE sql AS
$$
    INSERT INTO payments_dispute_evidence (shop_id, dispute_id, received_at, source, said, by_actor, amount_minor, digest, applied)
        VALUES (in_shop, in_dispute, in_at, in_said ->> 'source', in_said ->> 'said', in_said ->> 'by_actor',
                (in_said ->> 'amount_minor')::bigint, decode(in_said ->> 'digest', 'hex'), (in_said ->> 'applied')::boolean);
$$;

-- Say which units a chargeback is about, and freeze so much more of each.
CREATE OR REPLACE FUNCTION share_dispute(in_shop bigint, in_dispute bigint, in_order bigint, in_units jsonb) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO payments_dispute_unit (shop_id, dispute_id, order_id, position, share_minor, frozen_minor)
        SELECT in_shop, in_dispute, in_order, part.position, part.share_minor, part.frozen_minor
        FROM jsonb_to_recordset(in_units) AS part (position integer, share_minor bigint, frozen_minor bigint);
    UPDATE orders_unit AS unit SET frozen_minor = unit.frozen_minor + part.frozen_minor
        FROM jsonb_to_recordset(in_units) AS part (position integer, frozen_minor bigint)
        WHERE unit.shop_id = in_shop AND unit.order_id = in_order AND unit.position = part.position AND part.frozen_minor > 0;
$$;

-- End a dispute: what it had frozen is free, what it took counts as gone back through its payment. Units that are gone leave no debt
-- frozen. `lost` is per unit; the sums say where the whole went.
CREATE OR REPLACE FUNCTION end_dispute(in_shop bigint, in_dispute bigint, in_at timestamptz, in_end jsonb) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE ended payments_dispute;
BEGIN
    UPDATE payments_dispute SET status = in_end ->> 'status', closed_at = in_at,
            repaid_minor = coalesce((in_end ->> 'repaid_minor')::bigint, 0), lost_minor = coalesce((in_end ->> 'lost_minor')::bigint, 0),
            unborne_minor = coalesce((in_end ->> 'unborne_minor')::bigint, 0)
        WHERE shop_id = in_shop AND id = in_dispute RETURNING * INTO STRICT ended;
    UPDATE orders_unit AS unit SET frozen_minor = unit.frozen_minor - part.frozen_minor FROM payments_dispute_unit AS part
        WHERE part.shop_id = in_shop AND part.dispute_id = in_dispute AND part.frozen_minor > 0
            AND unit.shop_id = in_shop AND unit.order_id = part.order_id AND unit.position = part.position;
    UPDATE payments_dispute_unit AS part SET lost_minor = one.lost_minor
        FROM jsonb_to_recordset(coalesce(in_end -> 'lost', '[]'::jsonb)) AS one (position integer, lost_minor bigint)
        WHERE part.shop_id = in_shop AND part.dispute_id = in_dispute AND part.position = one.position;
    UPDATE payments_payment SET refunded_minor = refunded_minor + ended.lost_minor
        WHERE shop_id = in_shop AND id = ended.payment_id AND ended.lost_minor > 0;
END
$$;
