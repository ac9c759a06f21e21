-- I1. The books of each shop balance in each currency; what leaves one shop's books over a bridge arrives in the other's; every journal
-- moves something, between accounts of one currency.
SELECT format('books of shop %s in %s', shop_id, currency) AS place,
    format('debits exceed credits by %s', sum(cached_debits + later_debits - cached_credits - later_credits)) AS what
FROM book GROUP BY shop_id, currency HAVING sum(cached_debits + later_debits) <> sum(cached_credits + later_credits)
UNION ALL
SELECT format('bridge between shop 0 and shop %s in %s', crossing.partner, crossing.currency),
    format('what left and what arrived differ by %s', sum(crossing.balance))
FROM (SELECT CASE WHEN shop_id = 0 THEN substr(code, 8) ELSE shop_id::text END AS partner, currency,
        cached_credits + later_credits - cached_debits - later_debits AS balance
      FROM book WHERE code LIKE 'bridge:%') AS crossing
GROUP BY crossing.partner, crossing.currency HAVING sum(crossing.balance) <> 0
UNION ALL
SELECT format('journal %s of shop %s', journal.idempotency_key, journal.shop_id), 'it moves nothing'
FROM ledger_journal AS journal
WHERE NOT EXISTS (SELECT FROM ledger_transfer AS transfer WHERE transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id)
UNION ALL
SELECT format('transfer %s of shop %s', transfer.id, transfer.shop_id), 'its two accounts have different currencies'
FROM ledger_transfer AS transfer
    JOIN ledger_account AS debit ON debit.shop_id = transfer.shop_id AND debit.id = transfer.debit_id
    JOIN ledger_account AS credit ON credit.shop_id = transfer.shop_id AND credit.id = transfer.credit_id
WHERE debit.currency <> credit.currency
