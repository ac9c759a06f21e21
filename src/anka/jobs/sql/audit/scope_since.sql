-- What the audit looks at: orders, accounts and shops' funds that a transaction from %(since)s on has written to.
WITH touched AS (
    SELECT shop_id, id, number FROM orders_order
        WHERE (shop_id, id) IN (
            SELECT shop_id, order_id FROM core_event WHERE transaction_id >= current_setting('anka.audit_since')::xid8)),
touched_account AS (
    SELECT shop_id, debit_id AS id FROM ledger_transfer WHERE transaction_id >= current_setting('anka.audit_since')::xid8
    UNION SELECT shop_id, credit_id FROM ledger_transfer WHERE transaction_id >= current_setting('anka.audit_since')::xid8),
touched_funds AS (
    SELECT DISTINCT shop_id AS id FROM touched_account WHERE shop_id > 0
    UNION SELECT shop_id FROM core_event
        WHERE order_id = 0 AND shop_id > 0 AND transaction_id >= current_setting('anka.audit_since')::xid8),
