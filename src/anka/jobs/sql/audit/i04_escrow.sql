-- I4. Escrow holds, for each order, what was paid, less what went back, less what was released to the merchant; what a merchant has
-- (pending, available, frozen, withdrawing, deposit), less what it owes, is the sum of the merchant's parts of all units, plus what came
-- in, less what went out otherwise; and no escrow belongs to an order that does not exist.
SELECT format('order %s', touched.number) AS place,
    format('escrow holds %s; paid %s, refunded %s, released %s', coalesce(book.all_credits - book.all_debits, 0), o.paid_minor,
           o.refunded_minor, o.released_minor) AS what
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id
    LEFT JOIN book ON book.shop_id = o.shop_id AND book.code = format('order:%s:escrow', o.id) AND book.currency = o.currency
WHERE coalesce(book.all_credits - book.all_debits, 0) <> o.paid_minor - o.refunded_minor - o.released_minor
UNION ALL
SELECT format('order %s', touched.number),
    format('released %s; confirmations moved %s out of escrow, of which refunds took back %s, and chargebacks %s',
        o.released_minor, confirmed.moved, returned.moved, charged.moved)
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
            AND (source.code LIKE 'merchant:%' OR source.code LIKE 'recv:%' OR source.code = 'commission')) AS returned,
    LATERAL (
        SELECT coalesce(sum(transfer.amount_minor), 0) AS moved
        FROM payments_dispute AS dispute
            JOIN ledger_journal AS journal ON journal.shop_id = dispute.shop_id
                AND journal.idempotency_key = format('dispute:%s:%s:lost', dispute.channel, dispute.number)
            JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
            JOIN ledger_account AS source ON source.shop_id = transfer.shop_id AND source.id = transfer.debit_id
        WHERE dispute.shop_id = o.shop_id AND dispute.order_id = o.id
            AND (source.code LIKE 'merchant:%' OR source.code LIKE 'recv:%' OR source.code = 'commission')) AS charged
WHERE o.released_minor <> confirmed.moved - returned.moved - charged.moved
UNION ALL
SELECT format('account %s of shop %s', book.code, book.shop_id), 'this escrow belongs to no order'
FROM book JOIN touched_account USING (shop_id, id)
WHERE book.code LIKE 'order:%:escrow' AND book.all_debits <> book.all_credits
    AND NOT EXISTS (SELECT FROM orders_order AS o WHERE o.shop_id = book.shop_id AND book.code = format('order:%s:escrow', o.id))
UNION ALL
SELECT format('shop %s', shop.id),
    format('its units leave the merchant %s, other journals %s, its balances less what it owes hold %s', share.total, other.total, held.total)
FROM (SELECT DISTINCT shop_id AS id FROM touched_account WHERE shop_id > 0) AS shop,
    LATERAL (SELECT coalesce(sum(merchant_minor), 0) AS total FROM orders_unit AS unit WHERE unit.shop_id = shop.id) AS share,
    LATERAL (SELECT coalesce(sum(all_credits - all_debits), 0) AS total FROM book
             WHERE book.shop_id = shop.id AND book.code = ANY (merchant_accounts(shop.id))) AS held,
    -- What came in and went out otherwise than by the shop's units, by kind of journal: a kind that is not here may not touch its money.
    LATERAL (SELECT coalesce(sum(CASE WHEN account.id = transfer.credit_id THEN transfer.amount_minor ELSE -transfer.amount_minor END), 0)
                AS total
             FROM ledger_journal AS journal
                 JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
                 JOIN ledger_account AS account ON account.shop_id = transfer.shop_id AND account.id IN (transfer.debit_id, transfer.credit_id)
                     AND account.code = ANY (merchant_accounts(shop.id))
             WHERE journal.shop_id = shop.id
                 AND journal.kind IN ('compensated', 'penalised', 'deposit_paid_in', 'withdrawal_paid', 'channel_fee_borne')) AS other
WHERE share.total + other.total <> held.total
