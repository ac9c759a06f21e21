-- Close unpaid orders whose hold has run out and that no channel is being asked about, a batch at a time: stock back, clocks fallen, one
-- event each. Orders with a live payment are left to the job that asks their channel first. Returns how many were closed.
CREATE OR REPLACE FUNCTION expire_unpaid(in_now timestamptz, in_actor text, in_limit integer) RETURNS integer LANGUAGE plpgsql
SET lock_timeout = '3s' AS
$$
DECLARE
    batch_shops bigint[];
    batch_orders bigint[];
    moved integer;
BEGIN
    SELECT array_agg(locked.shop_id), array_agg(locked.id) INTO batch_shops, batch_orders FROM (
        SELECT o.shop_id, o.id FROM core_clock AS clock
            JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
            WHERE clock.kind = 'hold' AND clock.state = 'running' AND clock.due_at <= in_now AND o.closed_at IS NULL AND o.paid_at IS NULL
              AND NOT EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id
                              AND payment.status IN ('created', 'pending'))
            ORDER BY clock.due_at LIMIT in_limit FOR NO KEY UPDATE OF o SKIP LOCKED) AS locked;
    IF batch_orders IS NULL THEN
        RETURN 0;
    END IF;
    -- Read again under the lock: an order that was paid, or whose payment began, between the reading and the lock is let go.
    SELECT array_agg(o.shop_id), array_agg(o.id) INTO batch_shops, batch_orders
        FROM unnest(batch_shops, batch_orders) AS picked (shop_id, id) JOIN orders_order AS o USING (shop_id, id)
        WHERE o.closed_at IS NULL AND o.paid_at IS NULL
          AND NOT EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id
                          AND payment.status IN ('created', 'pending'));
    IF batch_orders IS NULL THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        SELECT unit.shop_id, unit.key_id FROM unnest(batch_shops, batch_orders) AS picked (shop_id, order_id)
        JOIN orders_unit AS unit USING (shop_id, order_id) WHERE unit.stage = 'reserved' AND unit.key_id IS NOT NULL
    ), freed AS (
        UPDATE vault_key AS stock SET status = 'available' FROM gone WHERE stock.shop_id = gone.shop_id AND stock.id = gone.key_id
    )
    UPDATE vault_allocation AS allocation SET ended_at = in_now, ended_as = 'available'
        FROM gone WHERE allocation.shop_id = gone.shop_id AND allocation.key_id = gone.key_id AND allocation.ended_at IS NULL;
    UPDATE orders_unit AS unit SET stage = 'released', since = in_now, key_id = NULL
        FROM unnest(batch_shops, batch_orders) AS picked (shop_id, order_id)
        WHERE unit.shop_id = picked.shop_id AND unit.order_id = picked.order_id AND unit.stage = 'reserved';
    PERFORM record_event(picked.shop_id, picked.order_id, in_now, in_actor, 'order_timed_out', released.positions, 'release', 'released', '{}'::jsonb)
        FROM unnest(batch_shops, batch_orders) AS picked (shop_id, order_id), LATERAL (
            SELECT array_agg(position ORDER BY position) AS positions FROM orders_unit AS unit
            WHERE unit.shop_id = picked.shop_id AND unit.order_id = picked.order_id AND unit.stage = 'released') AS released;
    UPDATE orders_order AS o SET closed_at = in_now, closed_by = 'timeout'
        FROM unnest(batch_shops, batch_orders) AS picked (shop_id, order_id) WHERE o.shop_id = picked.shop_id AND o.id = picked.order_id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    UPDATE core_clock AS clock SET state = 'fallen', ended_at = in_now
        FROM unnest(batch_shops, batch_orders) AS picked (shop_id, order_id)
        WHERE clock.shop_id = picked.shop_id AND clock.order_id = picked.order_id AND clock.kind = 'hold' AND clock.state = 'running';
    RETURN moved;
END
$$;
