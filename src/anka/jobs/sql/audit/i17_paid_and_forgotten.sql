-- I17. Nobody's money lies forgotten: a payment taken more than 5 minutes ago is covered by goods that were kept for it, or is going back.
SELECT format('order %s', touched.number) AS place,
    format('paid %s, refunded %s, goods worth %s', o.paid_minor, o.refunded_minor, served.total) AS what
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor - refunded_minor), 0) AS total FROM orders_unit AS unit
             WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.money <> 'none') AS served
WHERE o.paid_minor - o.refunded_minor > served.total
    AND EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id
                AND payment.status = 'paid' AND payment.paid_at < current_setting('anka.audit_now')::timestamptz - interval '5 minutes')
