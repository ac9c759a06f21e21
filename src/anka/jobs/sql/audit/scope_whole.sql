-- What the audit looks at: everything.
WITH touched AS (SELECT shop_id, id, number FROM orders_order),
touched_account AS (SELECT shop_id, id FROM ledger_account),
touched_funds AS (SELECT id FROM accounts_shop),
