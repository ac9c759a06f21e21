-- I5. What went back lies between nothing and what was paid — per payment, per unit and per order — and each of these sums is the sum
-- of the refunds behind it, and of what banks took back (lost chargebacks). Money that never paid the order (odd_payment) is not of these
-- sums. What filled a wallet or a deposit has gone back as often as its legs say, out of that wallet.
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
UNION ALL
SELECT format('payment %s', payment.number),
    format('status %s, amount %s, sent back %s, legs %s', payment.status, payment.amount_minor, payment.refunded_minor, legs.total)
FROM touched_account JOIN ledger_account AS account USING (shop_id, id)
    JOIN payments_payment AS payment ON payment.shop_id = account.shop_id AND payment.currency = account.currency
        AND account.code = CASE payment.purpose WHEN 'wallet' THEN format('buyer:%s:wallet', payment.person_id)
            WHEN 'deposit' THEN format('merchant:%s:deposit', payment.shop_id) END,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_leg AS leg
             WHERE leg.shop_id = payment.shop_id AND leg.payment_id = payment.id) AS legs
WHERE payment.refunded_minor <> legs.total
UNION ALL
SELECT format('refund %s', refund.number),
    format('amount %s, legs %s, taken out of the wallet %s', refund.amount_minor, legs.total, taken.total)
FROM payments_refund AS refund,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_leg AS leg
             WHERE leg.shop_id = refund.shop_id AND leg.refund_id = refund.id) AS legs,
    LATERAL (SELECT coalesce(sum(transfer.amount_minor), 0) AS total FROM ledger_journal AS journal
                 JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
                 JOIN ledger_account AS account ON account.shop_id = transfer.shop_id AND account.id = transfer.debit_id
             WHERE journal.shop_id = refund.shop_id AND journal.idempotency_key = format('refund:%s:accepted', refund.number)
                 AND account.code = format('buyer:%s:wallet', refund.person_id)) AS taken
WHERE refund.person_id IS NOT NULL AND (refund.amount_minor <> legs.total OR refund.amount_minor <> taken.total)
