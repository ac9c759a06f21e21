-- I6. A channel never pays back more than it captured, once per number: each leg has one live attempt of its own amount, has succeeded
-- exactly when its attempt has, and then was posted once. What a shop owes through a channel is the sum of its open legs.
SELECT format('payment %s', payment.number) AS place,
    format('captured %s, channel paid back %s', payment.amount_minor, sum(attempt.amount_minor)) AS what
FROM touched JOIN payments_payment AS payment ON payment.shop_id = touched.shop_id AND payment.order_id = touched.id
    JOIN payments_leg AS leg ON leg.shop_id = payment.shop_id AND leg.payment_id = payment.id
    JOIN payments_attempt AS attempt ON attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg
WHERE attempt.status = 'succeeded'
GROUP BY payment.shop_id, payment.id, payment.number, payment.amount_minor HAVING sum(attempt.amount_minor) > payment.amount_minor
UNION ALL
SELECT format('refund %s leg %s', refund.number, leg.leg),
    format('leg %s of %s: %s live attempts, %s succeeded, %s of another amount, %s postings', leg.status, leg.amount_minor, tries.live,
           tries.succeeded, tries.odd, posted.times)
FROM touched JOIN payments_refund AS refund ON refund.shop_id = touched.shop_id AND refund.order_id = touched.id
    JOIN payments_leg AS leg ON leg.shop_id = refund.shop_id AND leg.refund_id = refund.id,
    LATERAL (SELECT count(*) FILTER (WHERE attempt.status NOT IN ('closed', 'failed', 'reversed')) AS live,
                count(*) FILTER (WHERE attempt.status = 'succeeded') AS succeeded,
                count(*) FILTER (WHERE attempt.amount_minor <> leg.amount_minor) AS odd
             FROM payments_attempt AS attempt
             WHERE attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg) AS tries,
    LATERAL (SELECT count(*) AS times FROM ledger_journal AS journal
             WHERE journal.shop_id = leg.shop_id
                 AND journal.idempotency_key = format('refund:%s:%s:done', refund.number, leg.leg)) AS posted
WHERE tries.live > 1 OR tries.odd > 0 OR tries.succeeded > 1 OR (leg.status = 'succeeded') <> (tries.succeeded = 1)
    OR (leg.status = 'succeeded' AND posted.times <> 1) OR (leg.status IN ('intended', 'processing') AND posted.times > 0)
UNION ALL
SELECT format('account %s of shop %s', coalesce(payable.code, owed.code), coalesce(payable.shop_id, owed.shop_id)),
    format('it holds %s, open legs sum to %s', coalesce(payable.balance, 0), coalesce(owed.total, 0))
FROM (SELECT shop_id, code, currency, all_credits - all_debits AS balance FROM book WHERE code LIKE 'refund_payable:%') AS payable
    FULL JOIN (SELECT leg.shop_id, format('refund_payable:%s', leg.channel) AS code, refund.currency, sum(leg.amount_minor) AS total
               FROM payments_leg AS leg JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
               WHERE leg.status <> 'succeeded' GROUP BY leg.shop_id, leg.channel, refund.currency) AS owed
    ON owed.shop_id = payable.shop_id AND owed.code = payable.code AND owed.currency = payable.currency
WHERE coalesce(payable.balance, 0) <> coalesce(owed.total, 0)
