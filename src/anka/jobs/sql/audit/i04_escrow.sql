-- I4. Escrow holds, for each order, what was paid, less what went back, less what was released to the merchant; what a merchant has,
-- pending, available and frozen together, is the sum of the merchant's parts of all units; and no escrow belongs to an order that does
-- not exist.
SELECT format('order %s', touched.number) AS place,
    format('escrow holds %s; paid %s, refunded %s, released %s', coalesce(book.all_credits - book.all_debits, 0), o.paid_minor,
           o.refunded_minor, o.released_minor) AS what
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id
    LEFT JOIN book ON book.shop_id = o.shop_id AND book.code = format('order:%s:escrow', o.id) AND book.currency = o.currency
WHERE coalesce(book.all_credits - book.all_debits, 0) <> o.paid_minor - o.refunded_minor - o.released_minor
UNION ALL
SELECT format('order %s', touched.number),
    format('released %s; confirmations moved %s out of escrow, of which refunds took back %s',
        o.released_minor, confirmed.moved, returned.moved)
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (
        SELECT coalesce(sum(transfer.amount_minor), 0) AS moved
        FROM ledger_account AS escrow
            JOIN ledger_transfer AS transfer ON transfer.shop_id = escrow.shop_id AND transfer.debit_id = escrow.id
            JOIN ledger_journal AS journal ON journal.shop_id = transfer.shop_id AND journal.id = transfer.journal_id
        WHERE escrow.shop_id = o.shop_id AND escrow.code = format('order:%s:escrow', o.id) AND journal.kind = 'confirmed') AS confirmed,
    LATERAL (
        SELECT coalesce(sum(transfer.amount_minor), 0) AS moved
        FROM payments_refund AS refund
            JOIN ledger_journal AS journal ON journal.shop_id = refund.shop_id
                AND journal.idempotency_key = format('refund:%s:accepted', refund.number)
            JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
            JOIN ledger_account AS source ON source.shop_id = transfer.shop_id AND source.id = transfer.debit_id
        WHERE refund.shop_id = o.shop_id AND refund.order_id = o.id
            AND (source.code LIKE 'merchant:%' OR source.code = 'commission')) AS returned
WHERE o.released_minor <> confirmed.moved - returned.moved
UNION ALL
SELECT format('account %s of shop %s', book.code, book.shop_id), 'this escrow belongs to no order'
FROM book JOIN touched_account USING (shop_id, id)
WHERE book.code LIKE 'order:%:escrow' AND book.all_debits <> book.all_credits
    AND NOT EXISTS (SELECT FROM orders_order AS o WHERE o.shop_id = book.shop_id AND book.code = format('order:%s:escrow', o.id))
UNION ALL
SELECT format('shop %s', shop.id), format('its units leave the merchant %s, its balances hold %s', share.total, held.total)
FROM (SELECT DISTINCT shop_id AS id FROM touched_account WHERE shop_id > 0) AS shop,
    LATERAL (SELECT coalesce(sum(merchant_minor), 0) AS total FROM orders_unit AS unit WHERE unit.shop_id = shop.id) AS share,
    LATERAL (SELECT coalesce(sum(all_credits - all_debits), 0) AS total FROM book
             WHERE book.shop_id = shop.id AND book.code ~ '^merchant:[^:]+:(pending|available|frozen|withdrawing)$') AS held
WHERE share.total <> held.total
