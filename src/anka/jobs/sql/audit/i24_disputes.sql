-- I24. What banks hold of disputed payments is what our books say of open chargebacks; each is posted once when it begins and once, as a
-- whole, when it ends; what a lost one took is the sum of what its units lost. While one is open, no refund of its payment is sent, and
-- its share of every unit is frozen.
SELECT format('account %s of shop %s', coalesce(held.code, argued.code), coalesce(held.shop_id, argued.shop_id)) AS place,
    format('it holds %s %s, open chargebacks sum to %s', coalesce(held.balance, 0), coalesce(held.currency, argued.currency),
           coalesce(argued.total, 0)) AS what
FROM (SELECT shop_id, code, currency, all_debits - all_credits AS balance FROM book WHERE code LIKE 'dispute:%') AS held
    FULL JOIN (SELECT shop_id, format('dispute:%s', channel) AS code, currency, sum(amount_minor) AS total
               FROM payments_dispute WHERE kind = 'chargeback' AND status = 'open' GROUP BY shop_id, channel, currency) AS argued
    ON argued.shop_id = held.shop_id AND argued.code = held.code AND argued.currency = held.currency
WHERE coalesce(held.balance, 0) <> coalesce(argued.total, 0)
UNION ALL
SELECT format('dispute %s', dispute.number),
    format('%s of %s; posted: opened %s, won %s, lost %s; refunds it paid %s, units lost %s', dispute.status, dispute.amount_minor,
           posted.opened, posted.won, posted.lost, dispute.repaid_minor, units.lost)
FROM payments_dispute AS dispute,
    LATERAL (SELECT
            coalesce(sum(transfer.amount_minor) FILTER (WHERE journal.idempotency_key LIKE '%:opened'), 0) AS opened,
            coalesce(sum(transfer.amount_minor) FILTER (WHERE journal.idempotency_key LIKE '%:won'), 0) AS won,
            coalesce(sum(transfer.amount_minor) FILTER (WHERE journal.idempotency_key LIKE '%:lost'), 0) AS lost
        FROM ledger_journal AS journal JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id
            AND transfer.journal_id = journal.id
        WHERE journal.shop_id = dispute.shop_id AND journal.idempotency_key = ANY (ARRAY(
            SELECT format('dispute:%s:%s:%s', dispute.channel, dispute.number, what) FROM unnest(ARRAY['opened', 'won', 'lost']) AS what)))
        AS posted,
    LATERAL (SELECT coalesce(sum(part.lost_minor), 0) AS lost FROM payments_dispute_unit AS part
        WHERE part.shop_id = dispute.shop_id AND part.dispute_id = dispute.id) AS units
WHERE (dispute.order_id IS NULL OR (dispute.shop_id, dispute.order_id) IN (SELECT shop_id, id FROM touched))
    AND (units.lost <> dispute.lost_minor
    OR posted.opened <> CASE dispute.kind WHEN 'chargeback' THEN dispute.amount_minor ELSE 0 END
    OR posted.won <> CASE WHEN dispute.kind = 'chargeback' AND dispute.status = 'won' THEN dispute.amount_minor ELSE 0 END
    OR posted.lost <> dispute.lost_minor + dispute.unborne_minor)
UNION ALL
SELECT format('refund attempt %s', attempt.number), format('it was sent while dispute %s was open', dispute.number)
FROM touched JOIN payments_dispute AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id
        AND dispute.kind = 'chargeback'
    JOIN payments_leg AS leg ON leg.shop_id = dispute.shop_id AND leg.payment_id = dispute.payment_id
    JOIN payments_attempt AS attempt ON attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg
    -- What came first is told by the chain of events: clocks of different machines do not agree.
    JOIN LATERAL (SELECT min(event.sequence) FILTER (WHERE event.what = 'payment_disputed' AND said.details ->> 'dispute' = dispute.number) AS began,
            min(event.sequence) FILTER (WHERE event.what IN ('dispute_won', 'dispute_lost') AND said.details ->> 'dispute' = dispute.number) AS over,
            max(event.sequence) FILTER (WHERE event.what = 'refund_submitted' AND said.details ->> 'attempt' = attempt.number) AS sent
        FROM core_event AS event, LATERAL (SELECT convert_from(event.body, 'UTF8')::jsonb -> 'details' AS details) AS said
        WHERE event.shop_id = touched.shop_id AND event.order_id = touched.id
            AND event.what IN ('payment_disputed', 'dispute_won', 'dispute_lost', 'refund_submitted')) AS happened
        ON happened.sent > happened.began AND happened.sent < coalesce(happened.over, happened.sent + 1)
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position),
    format('%s of it are frozen (%s), open chargebacks take %s', unit.frozen_minor, unit.money, disputed.share)
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(part.share_minor), 0) AS share FROM payments_dispute_unit AS part
        JOIN payments_dispute AS dispute ON dispute.shop_id = part.shop_id AND dispute.id = part.dispute_id AND dispute.status = 'open'
        WHERE part.shop_id = unit.shop_id AND part.order_id = unit.order_id AND part.position = unit.position) AS disputed
WHERE unit.money IN ('held', 'released', 'settled')
    AND unit.frozen_minor < least(disputed.share, unit.amount_minor - unit.refunded_minor)
