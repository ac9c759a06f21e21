-- Real channels: where a payment's cashier is, and payments that pay for something else than an order.

-- What a channel answered when it was asked to open a cashier: a second look asks nobody. A phone may be sent elsewhere than a desk, and an
-- address ends (`valid_until`), so a payment may have several; each was given out, so none is forgotten.
CREATE TABLE payments_cashier (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    payment_id bigint NOT NULL,
    device text NOT NULL CHECK (device IN ('desktop', 'mobile', 'wechat')),
    cashier_url text NOT NULL CHECK (length(cashier_url) <= 8192),
    qr_text text NOT NULL CHECK (length(qr_text) <= 8192),
    started_at timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, payment_id) REFERENCES payments_payment (shop_id, id),
    CHECK (cashier_url <> '' OR qr_text <> ''),
    CHECK (valid_until > started_at)
);
CREATE INDEX payments_cashier_of ON payments_cashier (shop_id, payment_id, id);
CREATE TRIGGER cashier_append_only BEFORE UPDATE OR DELETE ON payments_cashier FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A payment pays an order, or fills somebody's wallet or a shop's deposit; then a person began it and no order knows it.
ALTER TABLE payments_payment ALTER COLUMN order_id DROP NOT NULL,
    ADD COLUMN purpose text NOT NULL DEFAULT 'order' CHECK (purpose IN ('order', 'wallet', 'deposit')),
    ADD COLUMN person_id bigint,
    ADD CONSTRAINT payment_order_by_purpose CHECK ((purpose = 'order') = (order_id IS NOT NULL)),
    ADD CONSTRAINT payment_person_by_purpose CHECK ((purpose = 'order') = (person_id IS NULL));
CREATE INDEX payments_payment_person ON payments_payment (shop_id, person_id) WHERE person_id IS NOT NULL;
