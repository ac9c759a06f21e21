-- I5. What went back lies between nothing and what was paid — per payment, per unit and per order — and each of these sums is the sum
-- of the refunds behind it, and of what banks took back (lost chargebacks). Money that never paid the order (odd_payment) is not of these
-- sums.
SELECT format('order %s', touched.number) AS place,
    format('paid %s (payments: %s), refunded %s (refunds: %s, chargebacks: %s)', o.paid_minor, paid.total, o.refunded_minor, repaid.total,
           lost.total) AS what
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_payment AS payment
             WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id AND payment.status = 'paid') AS paid,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_refund AS refund
             WHERE refund.shop_id = o.shop_id AND refund.order_id = o.id AND refund.cause <> 'odd_payment') AS repaid,
    LATERAL (SELECT coalesce(sum(dispute.lost_minor), 0) AS total FROM payments_dispute AS dispute
             WHERE dispute.shop_id = o.shop_id AND dispute.order_id = o.id) AS lost
WHERE o.refunded_minor NOT BETWEEN 0 AND o.paid_minor OR o.paid_minor <> paid.total OR o.refunded_minor <> repaid.total + lost.total
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position),
    format('price %s, refunded %s, refunds of it %s, chargebacks %s', unit.amount_minor, unit.refunded_minor, repaid.total, lost.total)
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_refund_unit AS part
             WHERE part.shop_id = unit.shop_id AND part.order_id = unit.order_id AND part.position = unit.position) AS repaid,
    LATERAL (SELECT coalesce(sum(lost_minor), 0) AS total FROM payments_dispute_unit AS part
             WHERE part.shop_id = unit.shop_id AND part.order_id = unit.order_id AND part.position = unit.position) AS lost
WHERE unit.refunded_minor NOT BETWEEN 0 AND unit.amount_minor OR unit.refunded_minor <> repaid.total + lost.total
    OR (unit.money = 'none' AND unit.refunded_minor > 0)
UNION ALL
SELECT format('payment %s', payment.number),
    format('status %s, amount %s, refunded %s, legs %s, chargebacks %s', payment.status, payment.amount_minor, payment.refunded_minor,
           legs.total, lost.total)
FROM touched JOIN payments_payment AS payment ON payment.shop_id = touched.shop_id AND payment.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_leg AS leg
             WHERE leg.shop_id = payment.shop_id AND leg.payment_id = payment.id) AS legs,
    LATERAL (SELECT coalesce(sum(dispute.lost_minor), 0) AS total FROM payments_dispute AS dispute
             WHERE dispute.shop_id = payment.shop_id AND dispute.payment_id = payment.id) AS lost
WHERE payment.refunded_minor NOT BETWEEN 0 AND CASE payment.status WHEN 'paid' THEN payment.amount_minor ELSE 0 END
    OR payment.refunded_minor <> legs.total + lost.total
UNION ALL
SELECT format('refund %s', refund.number), format('amount %s, legs %s, units %s', refund.amount_minor, legs.total, units.total)
FROM touched JOIN payments_refund AS refund ON refund.shop_id = touched.shop_id AND refund.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_leg AS leg
             WHERE leg.shop_id = refund.shop_id AND leg.refund_id = refund.id) AS legs,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_refund_unit AS part
             WHERE part.shop_id = refund.shop_id AND part.refund_id = refund.id) AS units
WHERE refund.amount_minor <> legs.total OR (refund.cause = 'case' AND refund.amount_minor <> units.total)
