-- I3. An account that may not fall below zero has not, a closed one is empty, and each is what the chart says of its code.
SELECT format('account %s of shop %s', code, shop_id) AS place, format('its transfers leave it at %s', balance) AS what
FROM (SELECT *, CASE side WHEN 'debit' THEN all_debits - all_credits ELSE all_credits - all_debits END AS balance FROM book) AS account
    JOIN touched_account USING (shop_id, id)
WHERE floored AND balance < 0 OR closed_at IS NOT NULL AND balance <> 0
UNION ALL
SELECT format('account %s of shop %s', account.code, account.shop_id), 'its side, floor or laziness is not what the chart says'
FROM ledger_account AS account JOIN touched_account USING (shop_id, id)
WHERE NOT EXISTS (SELECT FROM ledger_chart AS chart WHERE account.code ~ chart.pattern AND account.side = chart.side
                  AND account.floored = chart.floored AND account.lazy = chart.lazy)
