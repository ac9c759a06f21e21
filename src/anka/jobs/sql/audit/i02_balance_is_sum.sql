-- I2. What an account has cached, plus what was not rolled up yet, is the sum of its transfers.
SELECT format('account %s of shop %s', code, shop_id) AS place,
    format('cached %s debits and %s credits, transfers sum to %s and %s', cached_debits + later_debits, cached_credits + later_credits,
           all_debits, all_credits) AS what
FROM book JOIN touched_account USING (shop_id, id)
WHERE cached_debits + later_debits <> all_debits OR cached_credits + later_credits <> all_credits
