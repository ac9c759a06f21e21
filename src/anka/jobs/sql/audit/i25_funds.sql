-- I25. A withdrawal is in the books what its status says (set aside while it is under way, out of the bank with its fee when paid, back when
-- refused or failed), and what lies in a shop's `withdrawing` is what is under way; its status, a shop's terms, and every movement into and
-- out of the deposit are those of the last, or of exactly one, step in the chain of the shop's funds; deposits that came through a channel
-- are payments; and a fee is borne for a refund.
SELECT format('withdrawal %s', taken.number) AS place,
    format('it is %s: %s with a fee of %s; set aside %s, out of the bank %s, fee %s, given back %s, in all %s', taken.status,
        taken.amount_minor, taken.fee_minor, posted.aside, posted.gone, posted.fee, posted.back, posted.total) AS what
FROM touched_funds JOIN funds_withdrawal AS taken ON taken.shop_id = touched_funds.id,
    LATERAL (SELECT format('merchant:%s:available', taken.shop_id) AS available, format('merchant:%s:withdrawing', taken.shop_id) AS aside)
        AS place,
    LATERAL (SELECT coalesce(sum(moved.amount_minor), 0) AS total,
            coalesce(sum(moved.amount_minor) FILTER (WHERE debit.code = place.available AND credit.code = place.aside), 0) AS aside,
            coalesce(sum(moved.amount_minor) FILTER (WHERE debit.code = place.aside AND credit.code LIKE 'bank:%'), 0) AS gone,
            coalesce(sum(moved.amount_minor) FILTER (WHERE debit.code = place.aside AND credit.code = 'withdraw_fee'), 0) AS fee,
            coalesce(sum(moved.amount_minor) FILTER (WHERE debit.code = place.aside AND credit.code = place.available), 0) AS back
        FROM ledger_journal AS journal
            JOIN ledger_transfer AS moved ON moved.shop_id = journal.shop_id AND moved.journal_id = journal.id
            JOIN ledger_account AS debit ON debit.shop_id = moved.shop_id AND debit.id = moved.debit_id
            JOIN ledger_account AS credit ON credit.shop_id = moved.shop_id AND credit.id = moved.credit_id
        WHERE journal.shop_id = taken.shop_id AND journal.idempotency_key = ANY (ARRAY[format('withdrawal:%s:asked', taken.number),
            format('withdrawal:%s:paid', taken.number), format('withdrawal:%s:failed', taken.number)])) AS posted
WHERE posted.aside <> taken.amount_minor
    OR posted.gone <> CASE taken.status WHEN 'paid' THEN taken.amount_minor - taken.fee_minor ELSE 0 END
    OR posted.fee <> CASE taken.status WHEN 'paid' THEN taken.fee_minor ELSE 0 END
    OR posted.back <> CASE WHEN taken.status IN ('refused', 'failed') THEN taken.amount_minor ELSE 0 END
    OR posted.total <> posted.aside + posted.gone + posted.fee + posted.back
UNION ALL
SELECT format('journal %s of shop %s', journal.idempotency_key, journal.shop_id), 'it moves a withdrawal that does not exist'
FROM touched_funds JOIN ledger_journal AS journal ON journal.shop_id = touched_funds.id
WHERE journal.kind IN ('withdrawal_asked', 'withdrawal_paid', 'withdrawal_failed') AND NOT EXISTS (
    SELECT FROM funds_withdrawal AS taken WHERE taken.shop_id = journal.shop_id AND journal.idempotency_key IN (
        format('withdrawal:%s:asked', taken.number), format('withdrawal:%s:paid', taken.number),
        format('withdrawal:%s:failed', taken.number)))
UNION ALL
SELECT format('shop %s', touched_funds.id), format('%s lies in its withdrawing, %s is under way', held.total, asked.total)
FROM touched_funds,
    LATERAL (SELECT coalesce(sum(all_credits - all_debits), 0) AS total FROM book
             WHERE book.shop_id = touched_funds.id AND book.code = format('merchant:%s:withdrawing', touched_funds.id)) AS held,
    LATERAL (SELECT coalesce(sum(amount_minor), 0) AS total FROM funds_withdrawal AS taken
             WHERE taken.shop_id = touched_funds.id AND taken.status IN ('asked', 'approved', 'paying')) AS asked
WHERE held.total <> asked.total
UNION ALL
SELECT format('withdrawal %s', taken.number), format('it is %s, its last step says %s', taken.status, coalesce(last.status, 'nothing'))
FROM touched_funds JOIN funds_withdrawal AS taken ON taken.shop_id = touched_funds.id
    LEFT JOIN LATERAL (SELECT substr(step.what, length('withdrawal_') + 1) AS status FROM funds_step AS step
        WHERE step.shop_id = taken.shop_id AND step.number = taken.number AND step.what <> 'withdrawal_approved_first'
        ORDER BY step.id DESC LIMIT 1) AS last ON true
WHERE taken.status IS DISTINCT FROM last.status
UNION ALL
SELECT format('journal %s of shop %s', journal.idempotency_key, journal.shop_id),
    format('it moves %s into or out of the deposit; %s steps say so', moved.total, count(step.id))
FROM touched_funds JOIN ledger_journal AS journal ON journal.shop_id = touched_funds.id
        AND journal.kind IN ('deposit_paid_in', 'deposit_from_balance', 'deposit_released')
    CROSS JOIN LATERAL (SELECT sum(transfer.amount_minor) AS total FROM ledger_transfer AS transfer
        WHERE transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id) AS moved
    LEFT JOIN payments_transaction AS captured ON journal.kind = 'deposit_paid_in' AND captured.shop_id = journal.shop_id
        AND journal.idempotency_key = format('pay:%s:%s', captured.channel, captured.transaction_number)
    LEFT JOIN payments_payment AS payment ON payment.shop_id = captured.shop_id AND payment.id = captured.payment_id
        AND payment.purpose = 'deposit'
    LEFT JOIN funds_step AS step ON step.shop_id = journal.shop_id AND step.what = journal.kind
        AND (step.details ->> 'amount_minor')::bigint = moved.total
        AND CASE journal.kind WHEN 'deposit_paid_in' THEN step.number = payment.number
            WHEN 'deposit_released' THEN journal.idempotency_key = format('deposit:%s:released', step.number)
            ELSE journal.idempotency_key = format('deposit:%s', step.number) END
GROUP BY journal.shop_id, journal.id, journal.idempotency_key, moved.total HAVING count(step.id) <> 1
UNION ALL
SELECT format('step %s on the funds of shop %s', step.id, step.shop_id), 'it says that a deposit moved, and no journal does'
FROM touched_funds JOIN funds_step AS step ON step.shop_id = touched_funds.id
    LEFT JOIN payments_payment AS payment ON step.what = 'deposit_paid_in' AND payment.shop_id = step.shop_id
        AND payment.number = step.number
    LEFT JOIN payments_transaction AS captured ON captured.shop_id = payment.shop_id AND captured.payment_id = payment.id
WHERE step.what IN ('deposit_paid_in', 'deposit_from_balance', 'deposit_released') AND NOT EXISTS (
    SELECT FROM ledger_journal AS journal WHERE journal.shop_id = step.shop_id AND journal.kind = step.what
        AND journal.idempotency_key = CASE step.what
            WHEN 'deposit_paid_in' THEN format('pay:%s:%s', captured.channel, captured.transaction_number)
            WHEN 'deposit_released' THEN format('deposit:%s:released', step.number) ELSE format('deposit:%s', step.number) END)
UNION ALL
SELECT format('shop %s', terms.shop_id), 'its terms are not those of the last step that set them'
FROM touched_funds JOIN funds_terms AS terms ON terms.shop_id = touched_funds.id
    LEFT JOIN LATERAL (SELECT step.actor, step.at, step.details FROM funds_step AS step
        WHERE step.shop_id = terms.shop_id AND step.what = 'terms_set' ORDER BY step.id DESC LIMIT 1) AS last ON true
WHERE (last.actor, last.at, last.details - 'reason') IS DISTINCT FROM (terms.set_by, terms.set_at, jsonb_build_object(
    'tier', terms.tier, 'required_minor', terms.required_minor, 'floor_minor', terms.floor_minor,
    'settle_minutes', terms.settle_minutes, 'fee_bearer', terms.fee_bearer, 'fee_basis_points', terms.fee_basis_points))
UNION ALL
SELECT format('journal %s of shop %s', journal.idempotency_key, journal.shop_id), 'the merchant bears the fee of no refund'
FROM touched_funds JOIN ledger_journal AS journal ON journal.shop_id = touched_funds.id AND journal.kind = 'channel_fee_borne'
WHERE NOT EXISTS (SELECT FROM payments_refund AS refund WHERE refund.shop_id = journal.shop_id AND refund.cause = 'case'
    AND journal.idempotency_key = format('fee:%s:borne', refund.number))
