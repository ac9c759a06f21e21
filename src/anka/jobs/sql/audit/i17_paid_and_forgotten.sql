-- I17. Nobody's money lies forgotten: a payment taken more than 5 minutes ago is covered by goods that were kept for it, or is going back;
-- what does not fit lies in the queue, and what was matched out of it has paid its order. A payment into a wallet or deposit is there.
SELECT format('order %s', touched.number) AS place,
    format('paid %s, refunded %s, goods worth %s', o.paid_minor, o.refunded_minor, served.total) AS what
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (SELECT coalesce(sum(amount_minor - refunded_minor), 0) AS total FROM orders_unit AS unit
             WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.money <> 'none') AS served
WHERE o.paid_minor - o.refunded_minor > served.total
    AND EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id
                AND payment.status = 'paid' AND payment.paid_at < current_setting('anka.audit_now')::timestamptz - interval '5 minutes')
UNION ALL
SELECT format('transaction %s of %s', taken.transaction_number, taken.channel), 'it was taken, and neither paid anything nor lies in the queue'
FROM payments_transaction AS taken
WHERE NOT EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = taken.shop_id AND payment.id = taken.payment_id
                  AND payment.transaction_number = taken.transaction_number)
    AND NOT EXISTS (SELECT FROM payments_unidentified AS odd WHERE odd.shop_id = taken.shop_id AND odd.id = taken.unidentified_id
                    AND odd.transaction_number = taken.transaction_number)
UNION ALL
SELECT format('unidentified %s', odd.number), format('it was matched to order %s and paid nothing there', odd.matched_order)
FROM payments_unidentified AS odd
WHERE odd.status = 'matched' AND NOT EXISTS (
    SELECT FROM payments_payment AS payment JOIN orders_order AS o ON o.shop_id = payment.shop_id AND o.id = payment.order_id
    WHERE payment.channel = odd.channel AND payment.transaction_number = odd.transaction_number AND payment.status = 'paid'
        AND payment.amount_minor = odd.amount_minor AND o.number = odd.matched_order AND o.currency = odd.currency)
UNION ALL
SELECT format('payment %s', payment.number),
    format('it was to fill a %s with %s, and %s arrived there', payment.purpose, payment.amount_minor, coalesce(sum(transfer.amount_minor), 0))
FROM payments_payment AS payment
    LEFT JOIN ledger_journal AS journal ON journal.shop_id = payment.shop_id
        AND journal.idempotency_key = format('pay:%s:%s', payment.channel, payment.transaction_number)
    LEFT JOIN ledger_account AS account ON account.shop_id = payment.shop_id AND account.currency = payment.currency
        AND account.code = CASE payment.purpose WHEN 'wallet' THEN format('buyer:%s:wallet', payment.person_id)
            ELSE format('merchant:%s:deposit', payment.shop_id) END
    LEFT JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
        AND transfer.credit_id = account.id
-- Hourly those of the last day, by night all.
WHERE payment.purpose <> 'order' AND payment.status = 'paid' AND (coalesce(current_setting('anka.audit_since', true), '') IN ('', '0')
    OR payment.paid_at >= current_setting('anka.audit_now')::timestamptz - interval '1 day')
GROUP BY payment.shop_id, payment.id, payment.number, payment.purpose, payment.amount_minor
HAVING coalesce(sum(transfer.amount_minor), 0) <> payment.amount_minor
