-- Shared by the invariants: every account with what its transfers sum to, and with what it is worth now (cached, plus, for lazy
-- accounts, what was not rolled up yet). Closed accounts are empty; they are only looked at where they are in scope, as they are by night.
leg AS (
    SELECT shop_id, debit_id AS account_id, amount_minor AS debit, 0::bigint AS credit, transaction_id FROM ledger_transfer
    UNION ALL SELECT shop_id, credit_id, 0, amount_minor, transaction_id FROM ledger_transfer),
book AS (
    SELECT account.shop_id, account.id, account.code, account.currency, account.side, account.floored, account.lazy, account.closed_at,
        account.debits AS cached_debits, account.credits AS cached_credits,
        coalesce(sum(leg.debit), 0) AS all_debits, coalesce(sum(leg.credit), 0) AS all_credits,
        coalesce(sum(leg.debit) FILTER (
            WHERE account.lazy AND leg.transaction_id >= coalesce(account.rolled_up_to, '0')), 0) AS later_debits,
        coalesce(sum(leg.credit) FILTER (
            WHERE account.lazy AND leg.transaction_id >= coalesce(account.rolled_up_to, '0')), 0) AS later_credits
    FROM ledger_account AS account LEFT JOIN leg ON leg.shop_id = account.shop_id AND leg.account_id = account.id
    WHERE account.closed_at IS NULL OR (account.shop_id, account.id) IN (SELECT shop_id, id FROM touched_account)
    GROUP BY account.shop_id, account.id)
