-- I19. The money of a case is posted once: a case that gives money back has one refund of that amount, every refund one posting of its
-- amount, every posting of a refund its refund; a compensation and a penalty are what their case grants. What was set aside of the merchant's money for a case is freed once, when it closes; what
-- is frozen in the books is the merchant's part of what open cases argue about.
SELECT format('case %s', dispute.number) AS place,
    format('it gives %s back; its refunds: %s, together %s', dispute.refund_minor, repaid.times, repaid.total) AS what
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id,
    LATERAL (SELECT count(*) AS times, coalesce(sum(amount_minor), 0) AS total FROM payments_refund AS refund
             WHERE refund.shop_id = dispute.shop_id AND refund.case_number = dispute.number) AS repaid
WHERE (dispute.status = 'closed' OR repaid.times > 0)
    AND (repaid.total <> dispute.refund_minor OR repaid.times <> CASE WHEN dispute.refund_minor > 0 THEN 1 ELSE 0 END)
UNION ALL
SELECT format('refund %s', refund.number),
    format('amount %s; posted %s times, together %s', refund.amount_minor, posted.times, posted.total)
FROM touched JOIN payments_refund AS refund ON refund.shop_id = touched.shop_id AND refund.order_id = touched.id,
    LATERAL (SELECT count(DISTINCT journal.id) AS times, coalesce(sum(transfer.amount_minor), 0) AS total
             FROM ledger_journal AS journal
                 JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
                 JOIN ledger_account AS payable ON payable.shop_id = transfer.shop_id AND payable.id = transfer.credit_id
                     AND payable.code LIKE 'refund_payable:%'
             WHERE journal.shop_id = refund.shop_id AND journal.idempotency_key = format('refund:%s:accepted', refund.number)) AS posted
WHERE posted.times <> 1 OR posted.total <> refund.amount_minor
UNION ALL
SELECT format('journal %s of shop %s', journal.idempotency_key, journal.shop_id), 'it accepts a refund that does not exist'
FROM ledger_journal AS journal
WHERE journal.kind LIKE 'refund_accepted%' AND NOT EXISTS (
    SELECT FROM payments_refund AS refund WHERE refund.shop_id = journal.shop_id
        AND journal.idempotency_key = format('refund:%s:accepted', refund.number))
UNION ALL
SELECT format('case %s', dispute.number), format('merchant''s money set aside %s times for it and freed %s times', held.times, freed.times)
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id,
    LATERAL (SELECT count(*) AS times FROM ledger_journal AS journal WHERE journal.shop_id = dispute.shop_id
             AND journal.kind = 'case_held' AND journal.idempotency_key LIKE format('case:%s:%%:hold', dispute.number)) AS held,
    LATERAL (SELECT count(*) AS times FROM ledger_journal AS journal WHERE journal.shop_id = dispute.shop_id
             AND journal.kind = 'case_freed' AND journal.idempotency_key LIKE format('case:%s:%%:free', dispute.number)) AS freed
-- What waits for a channel may be about several disputes, of which one is over.
WHERE CASE dispute.status WHEN 'closed' THEN held.times <> freed.times WHEN 'external' THEN freed.times > held.times ELSE freed.times > 0 END
UNION ALL
SELECT format('case %s', dispute.number),
    format('compensation of %s, posted %s; penalty of at most %s, posted %s', dispute.compensation_minor, compensated.total,
           dispute.penalty_minor, penalised.total)
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id,
    LATERAL (SELECT coalesce(sum(transfer.amount_minor), 0) AS total FROM ledger_journal AS journal
                 JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
             WHERE journal.shop_id = dispute.shop_id AND journal.idempotency_key = format('case:%s:compensation', dispute.number)) AS compensated,
    LATERAL (SELECT coalesce(sum(transfer.amount_minor), 0) AS total FROM ledger_journal AS journal
                 JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
             WHERE journal.shop_id = dispute.shop_id AND journal.idempotency_key = format('case:%s:penalty', dispute.number)) AS penalised
WHERE compensated.total <> dispute.compensation_minor OR penalised.total > dispute.penalty_minor
UNION ALL
SELECT format('journal %s of shop %s', journal.idempotency_key, journal.shop_id), 'it compensates or penalises for no case'
FROM ledger_journal AS journal
WHERE journal.kind IN ('compensated', 'penalised') AND journal.shop_id > 0 AND NOT EXISTS (
    SELECT FROM cases_case AS dispute WHERE dispute.shop_id = journal.shop_id AND journal.idempotency_key =
        format('case:%s:%s', dispute.number, CASE journal.kind WHEN 'compensated' THEN 'compensation' ELSE 'penalty' END))
UNION ALL
-- The merchant's part of an amount is rounded to the nearest, a half in the merchant's favour: as split() does it.
SELECT format('shop %s', shop.id), format('%s is frozen in its books, open cases argue about %s of the merchant''s', held.total, argued.total)
FROM (SELECT DISTINCT shop_id AS id FROM touched_account WHERE shop_id > 0) AS shop,
    LATERAL (SELECT coalesce(sum(all_credits - all_debits), 0) AS total FROM book
             WHERE book.shop_id = shop.id AND book.code ~ '^merchant:[^:]+:frozen$') AS held,
    LATERAL (SELECT coalesce(sum(round(unit.frozen_minor::numeric * unit.merchant_minor / nullif(unit.amount_minor - unit.refunded_minor, 0))), 0)
                AS total
             FROM orders_unit AS unit
             WHERE unit.shop_id = shop.id AND unit.confirmed_at IS NOT NULL AND unit.frozen_minor > 0) AS argued
WHERE held.total > argued.total
