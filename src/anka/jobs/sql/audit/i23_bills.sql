-- I23. Every line of a channel's bill that was compared is exactly one journal of its amount, and its fee is posted as it says, or the line
-- stands in the inbox of differences; a large difference was closed by two persons (the limit is the domain's FOUR_EYES_FROM_MINOR), and
-- what decisions posted is what they say, once. (Bills that a corrected one has replaced do not count.)
SELECT format('bill of %s for %s, line %s', line.channel, line.day, line.line) AS place,
    format('%s %s of %s %s: %s journals, together %s', line.kind, line.own, line.amount_minor, line.currency, count(journal.id),
           coalesce(sum(moved.minor), 0)) AS what
FROM (SELECT bill.channel, bill.day, said.bill_id, said.line, said.kind, said.amount_minor, said.currency,
        coalesce(nullif(said.channel_number, ''), payment.transaction_number, said.number) AS own,
        CASE said.kind
            WHEN 'payment' THEN format('pay:%s:%s', bill.channel, coalesce(nullif(said.channel_number, ''), payment.transaction_number))
            WHEN 'settlement' THEN format('settled:%s:%s', bill.channel, coalesce(nullif(said.channel_number, ''), said.number))
            WHEN 'refund' THEN format('refund:%s:%s:done%s', refund.number, attempt.leg, earlier.rounds)
            WHEN 'refund_reversed' THEN format('refund:%s:%s:reversed%s', refund.number, attempt.leg, earlier.rounds)
            WHEN 'dispute' THEN format('dispute:%s:%s:opened', bill.channel, argued.number) END AS key
      FROM payments_bill AS bill JOIN payments_bill_line AS said ON said.bill_id = bill.id
        LEFT JOIN payments_payment AS payment ON said.kind = 'payment' AND said.channel_number = '' AND payment.number = said.number
            AND payment.channel = bill.channel
        LEFT JOIN payments_attempt AS attempt ON said.kind LIKE 'refund%' AND attempt.number = said.number AND attempt.channel = bill.channel
        LEFT JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
        LEFT JOIN LATERAL (SELECT ':' || nullif(count(*), 0) AS rounds FROM payments_attempt AS before
            WHERE before.shop_id = attempt.shop_id AND before.refund_id = attempt.refund_id AND before.leg = attempt.leg
                AND before.id < attempt.id AND before.status = 'reversed') AS earlier ON true
        LEFT JOIN payments_dispute AS argued ON said.kind = 'dispute' AND argued.channel = bill.channel
            AND argued.channel_number = said.channel_number AND argued.kind = 'chargeback'
      WHERE bill.compared_at IS NOT NULL AND bill.superseded_at IS NULL
        AND bill.compared_in >= coalesce(nullif(current_setting('anka.audit_since', true), ''), '0')::xid8
        AND NOT EXISTS (SELECT FROM payments_difference AS found WHERE found.bill_id = said.bill_id AND found.line = said.line)) AS line
    LEFT JOIN ledger_journal AS journal ON journal.idempotency_key = line.key
    LEFT JOIN LATERAL (SELECT sum(transfer.amount_minor) AS minor FROM ledger_transfer AS transfer
        JOIN ledger_account AS account ON account.shop_id = transfer.shop_id AND account.currency = line.currency
            AND account.id = CASE WHEN line.kind IN ('refund', 'dispute') THEN transfer.credit_id ELSE transfer.debit_id END
            AND account.code LIKE format('psp:%s:%%', line.channel)
        WHERE transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id) AS moved ON true
GROUP BY line.channel, line.day, line.bill_id, line.line, line.kind, line.own, line.amount_minor, line.currency
HAVING count(journal.id) <> 1 OR coalesce(sum(moved.minor), 0) <> line.amount_minor
UNION ALL
SELECT format('bill of %s for %s, line %s', line.channel, line.day, line.line),
    format('its fee is %s, and %s is posted', line.fee_minor, coalesce(sum(moved.minor), 0))
FROM (SELECT bill.channel, bill.day, said.bill_id, said.line, said.fee_minor,
        format('fee:%s:%s', bill.channel, CASE said.kind WHEN 'payment'
            THEN coalesce(nullif(said.channel_number, ''), payment.transaction_number)
            WHEN 'refund' THEN said.number ELSE said.number || ':reversed' END) AS key
      FROM payments_bill AS bill JOIN payments_bill_line AS said ON said.bill_id = bill.id
        LEFT JOIN payments_payment AS payment ON said.kind = 'payment' AND said.channel_number = '' AND payment.number = said.number
            AND payment.channel = bill.channel
      WHERE bill.compared_at IS NOT NULL AND bill.superseded_at IS NULL AND said.kind IN ('payment', 'refund', 'refund_reversed')
        AND said.fee_minor <> 0
        AND bill.compared_in >= coalesce(nullif(current_setting('anka.audit_since', true), ''), '0')::xid8
        AND NOT EXISTS (SELECT FROM payments_difference AS found WHERE found.bill_id = said.bill_id AND found.line = said.line)) AS line
    LEFT JOIN LATERAL (VALUES (line.key, 1), (line.key || ':returned', -1)) AS way (key, sign) ON true
    LEFT JOIN ledger_journal AS journal ON journal.idempotency_key = way.key
    LEFT JOIN LATERAL (SELECT way.sign * sum(transfer.amount_minor) AS minor FROM ledger_transfer AS transfer
        WHERE transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id) AS moved ON true
GROUP BY line.channel, line.day, line.bill_id, line.line, line.fee_minor
HAVING coalesce(sum(moved.minor), 0) <> line.fee_minor
UNION ALL
SELECT format('difference %s of %s', found.id, found.channel),
    format('%s was closed by %s alone', greatest(found.ours_minor, found.theirs_minor), found.decided_by)
FROM payments_difference AS found
WHERE found.decided_by LIKE 'platform:%' AND greatest(found.ours_minor, found.theirs_minor) >= 100000
    AND (found.proposed_by IS NULL OR found.proposed_by = found.decided_by)
UNION ALL
SELECT format('difference %s of %s', step.difference_id, found.channel),
    format('its correction %s says %s, and %s is posted', step.journal_key, step.corrected_minor, coalesce(sum(transfer.amount_minor), 0))
FROM payments_difference_step AS step JOIN payments_difference AS found ON found.id = step.difference_id
    LEFT JOIN ledger_journal AS journal ON journal.shop_id = step.shop_id AND journal.idempotency_key = step.journal_key
    LEFT JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
WHERE step.journal_key IS NOT NULL
GROUP BY step.difference_id, step.id, step.journal_key, step.corrected_minor, found.channel
HAVING coalesce(sum(transfer.amount_minor), 0) <> abs(step.corrected_minor)
UNION ALL
SELECT format('difference %s of %s', found.id, found.channel),
    format('%s was corrected, and its decisions say %s', found.corrected_minor, said.minor)
FROM payments_difference AS found CROSS JOIN LATERAL (
    SELECT coalesce(sum(step.corrected_minor), 0) AS minor FROM payments_difference_step AS step WHERE step.difference_id = found.id) AS said
WHERE found.corrected_minor <> said.minor
UNION ALL
SELECT format('journal %s of shop %s', journal.idempotency_key, journal.shop_id), 'corrects a difference that nobody decided about'
FROM ledger_journal AS journal
WHERE starts_with(journal.idempotency_key, 'recon:') AND NOT EXISTS (
    SELECT FROM payments_difference_step AS step WHERE step.journal_key = journal.idempotency_key AND step.shop_id = journal.shop_id)
