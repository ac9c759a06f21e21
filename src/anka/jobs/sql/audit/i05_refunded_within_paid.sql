-- I5. What went back lies between nothing and what was paid — per payment, per unit and per order — and each of these sums is the sum
-- of the refunds behind it. Money that never paid the order (odd_payment) is not of these sums.
SELECT format('order %s', touched.number) AS place,
    format('paid %s (payments: %s), refunded %s (refunds: %s)', o.paid_minor, paid.total, o.refunded_minor, repaid.total) AS what
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_payment AS payment
             WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id AND payment.status = 'paid') AS paid,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_refund AS refund
             WHERE refund.shop_id = o.shop_id AND refund.order_id = o.id AND refund.cause <> 'odd_payment') AS repaid
WHERE o.refunded_minor NOT BETWEEN 0 AND o.paid_minor OR o.paid_minor <> paid.total OR o.refunded_minor <> repaid.total
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position),
    format('price %s, refunded %s, refunds of it %s', unit.amount_minor, unit.refunded_minor, repaid.total)
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_refund_unit AS part
             WHERE part.shop_id = unit.shop_id AND part.order_id = unit.order_id AND part.position = unit.position) AS repaid
WHERE unit.refunded_minor NOT BETWEEN 0 AND unit.amount_minor OR unit.refunded_minor <> repaid.total
    OR (unit.money = 'none' AND unit.refunded_minor > 0)
UNION ALL
SELECT format('payment %s', payment.number),
    format('status %s, amount %s, refunded %s, legs %s', payment.status, payment.amount_minor, payment.refunded_minor, legs.total)
FROM touched JOIN payments_payment AS payment ON payment.shop_id = touched.shop_id AND payment.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_leg AS leg
             WHERE leg.shop_id = payment.shop_id AND leg.payment_id = payment.id) AS legs
WHERE payment.refunded_minor NOT BETWEEN 0 AND CASE payment.status WHEN 'paid' THEN payment.amount_minor ELSE 0 END
    OR payment.refunded_minor <> legs.total
UNION ALL
SELECT format('refund %s', refund.number), format('amount %s, legs %s, units %s', refund.amount_minor, legs.total, units.total)
FROM touched JOIN payments_refund AS refund ON refund.shop_id = touched.shop_id AND refund.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_leg AS leg
             WHERE leg.shop_id = refund.shop_id AND leg.refund_id = refund.id) AS legs,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_refund_unit AS part
             WHERE part.shop_id = refund.shop_id AND part.refund_id = refund.id) AS units
WHERE refund.amount_minor <> legs.total OR (refund.cause = 'case' AND refund.amount_minor <> units.total)
