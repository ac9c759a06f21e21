-- I6. A channel never pays back more than it captured, once per number: each leg has one live attempt of its own amount, has succeeded
-- exactly when its attempt has, and then was posted once more than its money came back. What a person has to look after stands in the
-- queue once; a transfer by hand counts when two people said so. What a shop owes through a channel is the sum of its open legs. Money that does
-- not fit goes back whole, once, the way it came; what lies unidentified is the sum of what nobody has decided about. The few refunds
-- without an order, those of unused balance among them, are always looked at.
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
FROM payments_refund AS refund
    JOIN payments_leg AS leg ON leg.shop_id = refund.shop_id AND leg.refund_id = refund.id,
    LATERAL (SELECT count(*) FILTER (WHERE attempt.status NOT IN ('closed', 'failed', 'reversed')) AS live,
                count(*) FILTER (WHERE attempt.status = 'succeeded') AS succeeded,
                count(*) FILTER (WHERE attempt.status = 'reversed')::integer AS reversed,
                count(*) FILTER (WHERE attempt.amount_minor <> leg.amount_minor) AS odd
             FROM payments_attempt AS attempt
             WHERE attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg) AS tries,
    -- One round per reversal: refund:R:1:done, refund:R:1:reversed, refund:R:1:done:1, …
    LATERAL (SELECT count(*) FILTER (WHERE journal.kind LIKE 'refund_done%') - count(*) FILTER (WHERE journal.kind = 'refund_reversed') AS times
             FROM ledger_journal AS journal WHERE journal.shop_id = leg.shop_id AND journal.idempotency_key = ANY (ARRAY(
                 SELECT format('refund:%s:%s:%s%s', refund.number, leg.leg, what, CASE WHEN turn > 0 THEN ':' || turn END)
                 FROM generate_series(0, tries.reversed) AS turn, unnest(ARRAY['done', 'reversed']) AS what))) AS posted
WHERE (refund.order_id IS NULL OR (refund.shop_id, refund.order_id) IN (SELECT shop_id, id FROM touched))
    AND (tries.live > 1 OR tries.odd > 0 OR tries.succeeded > 1 OR (leg.status = 'succeeded') <> (tries.succeeded = 1)
    OR posted.times <> tries.succeeded)
UNION ALL
SELECT format('refund attempt %s', attempt.number), 'money went out by hand, and no two people said so'
FROM payments_refund AS refund
    JOIN payments_attempt AS attempt ON attempt.shop_id = refund.shop_id AND attempt.refund_id = refund.id
WHERE (refund.order_id IS NULL OR (refund.shop_id, refund.order_id) IN (SELECT shop_id, id FROM touched))
    AND attempt.channel = 'hand' AND attempt.status = 'succeeded' AND NOT EXISTS (
    SELECT FROM payments_proof AS proof WHERE proof.shop_id = attempt.shop_id AND proof.attempt_id = attempt.id AND proof.kind = 'transfer'
        AND proof.status = 'approved' AND proof.amount_minor = attempt.amount_minor AND proof.decided_by <> proof.made_by)
UNION ALL
SELECT format('unidentified %s', odd.number),
    format('%s of %s %s; going back: %s through %s, arrived %s', odd.status, odd.amount_minor, odd.currency, back.total, back.channels, back.arrived)
FROM payments_unidentified AS odd,
    LATERAL (SELECT coalesce(sum(leg.amount_minor), 0) AS total, coalesce(string_agg(leg.channel, ','), '') AS channels,
                coalesce(bool_and(leg.status = 'succeeded'), false) AS arrived, coalesce(bool_and(refund.currency = odd.currency), true) AS same
             FROM payments_leg AS leg JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
             WHERE leg.shop_id = odd.shop_id AND leg.unidentified_id = odd.id) AS back
WHERE CASE WHEN odd.status IN ('returning', 'returned')
    THEN back.total <> odd.amount_minor OR back.channels <> odd.channel OR NOT back.same OR back.arrived <> (odd.status = 'returned')
    ELSE back.total <> 0 END
UNION ALL
SELECT format('account %s of shop %s', coalesce(apart.code, waiting.code), coalesce(apart.shop_id, waiting.shop_id)),
    format('it holds %s %s, money nobody has decided about sums to %s', coalesce(apart.balance, 0), coalesce(apart.currency, waiting.currency),
           coalesce(waiting.total, 0))
FROM (SELECT shop_id, code, currency, all_credits - all_debits AS balance FROM book WHERE code LIKE 'unidentified:%') AS apart
    FULL JOIN (SELECT shop_id, format('unidentified:%s', channel) AS code, currency, sum(amount_minor) AS total
               FROM payments_unidentified WHERE status = 'open' GROUP BY shop_id, channel, currency) AS waiting
    ON waiting.shop_id = apart.shop_id AND waiting.code = apart.code AND waiting.currency = apart.currency
WHERE coalesce(apart.balance, 0) <> coalesce(waiting.total, 0)
UNION ALL
SELECT format('account %s of shop %s', coalesce(payable.code, owed.code), coalesce(payable.shop_id, owed.shop_id)),
    format('it holds %s, open legs sum to %s', coalesce(payable.balance, 0), coalesce(owed.total, 0))
FROM (SELECT shop_id, code, currency, all_credits - all_debits AS balance FROM book WHERE code LIKE 'refund_payable:%') AS payable
    FULL JOIN (SELECT leg.shop_id, format('refund_payable:%s', leg.channel) AS code, refund.currency, sum(leg.amount_minor) AS total
               FROM payments_leg AS leg JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
               WHERE leg.status <> 'succeeded' GROUP BY leg.shop_id, leg.channel, refund.currency) AS owed
    ON owed.shop_id = payable.shop_id AND owed.code = payable.code AND owed.currency = payable.currency
WHERE coalesce(payable.balance, 0) <> coalesce(owed.total, 0)
UNION ALL
SELECT format('payment %s', payment.number),
    format('captured %s, channel paid back %s of what filled a %s', payment.amount_minor, sum(attempt.amount_minor), payment.purpose)
FROM payments_refund AS refund
    JOIN payments_leg AS leg ON leg.shop_id = refund.shop_id AND leg.refund_id = refund.id
    JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id AND payment.id = leg.payment_id
    JOIN payments_attempt AS attempt ON attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg
WHERE refund.person_id IS NOT NULL AND attempt.status = 'succeeded'
GROUP BY payment.shop_id, payment.id, payment.number, payment.amount_minor, payment.purpose
HAVING sum(attempt.amount_minor) > payment.amount_minor
