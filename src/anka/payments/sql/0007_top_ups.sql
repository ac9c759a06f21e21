-- Payments that fill a wallet or a deposit, a wallet's unused balance going back, and wallet money held for an order.

-- A wallet is in the platform's books, a deposit in its shop's; neither is filled from a wallet.
ALTER TABLE payments_payment
    ADD CONSTRAINT payment_books_by_purpose CHECK (CASE purpose WHEN 'wallet' THEN shop_id = 0 ELSE shop_id > 0 END),
    ADD CONSTRAINT payment_tops_up_by_channel CHECK (purpose = 'order' OR channel <> 'wallet');
CREATE INDEX payments_payment_open_top_up ON payments_payment (shop_id, number) WHERE purpose <> 'order' AND status IN ('created', 'pending');
-- What of a wallet is set aside for an order that waits for the rest of its money is an open payment by wallet: one at a time.
CREATE UNIQUE INDEX payments_payment_one_hold ON payments_payment (shop_id, order_id)
    WHERE channel = 'wallet' AND status IN ('created', 'pending');

-- Unused balance goes back to its owner by a refund of no order, out of the platform's books, through the payments that brought it.
ALTER TABLE payments_refund ADD COLUMN person_id bigint, DROP CONSTRAINT payments_refund_cause_check, DROP CONSTRAINT refund_has_an_order,
    ADD CONSTRAINT payments_refund_cause_check
        CHECK (cause IN ('case', 'late_payment', 'double_payment', 'odd_payment', 'wallet_return')),
    ADD CONSTRAINT refund_has_an_order CHECK (order_id IS NOT NULL OR cause IN ('odd_payment', 'wallet_return')),
    ADD CONSTRAINT refund_of_a_wallet CHECK (CASE WHEN cause = 'wallet_return'
        THEN person_id IS NOT NULL AND order_id IS NULL AND shop_id = 0 ELSE person_id IS NULL END);
CREATE INDEX payments_refund_person ON payments_refund (shop_id, person_id, id) WHERE person_id IS NOT NULL;
