-- I16. Nothing unpaid was ever queued: a unit left reserved only in an order with a captured payment taken no later, and the units that
-- carry money are worth no more than was paid for them. What is set aside of a wallet for an order is its open payment by wallet, and
-- nothing once it is paid or closed.
SELECT format('order %s', touched.number) AS place, format('event %s queued goods that nothing had paid', event.sequence) AS what
FROM touched JOIN core_event AS event ON event.shop_id = touched.shop_id AND event.order_id = touched.id AND event.move = 'pay'
WHERE NOT EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = touched.shop_id AND payment.order_id = touched.id
                  AND payment.status = 'paid' AND payment.paid_at <= event.at)
UNION ALL
SELECT format('order %s', touched.number), format('units worth %s carry money, %s was paid', worth.total, o.paid_minor)
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM orders_unit AS unit
             WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.money <> 'none') AS worth
WHERE worth.total > o.paid_minor
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position), format('it is %s and carries no money', unit.stage)
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id
WHERE unit.stage NOT IN ('reserved', 'released', 'replaced') AND unit.money = 'none'
UNION ALL
SELECT format('order %s', touched.number),
    format('%s of a wallet is set aside for it, its open payments by wallet say %s; it is %s', hold.balance, wanted.total,
           CASE WHEN o.closed_at IS NOT NULL THEN 'closed' WHEN o.paid_at IS NOT NULL THEN 'paid' ELSE 'unpaid' END)
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (SELECT coalesce(sum(all_credits - all_debits), 0) AS balance FROM book
             WHERE book.shop_id = o.shop_id AND book.code = format('order:%s:hold', o.id)) AS hold,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM payments_payment AS payment
             WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id AND payment.channel = 'wallet'
                 AND payment.status IN ('created', 'pending')) AS wanted
WHERE hold.balance <> wanted.total OR hold.balance <> 0 AND (o.paid_at IS NOT NULL OR o.closed_at IS NOT NULL)
