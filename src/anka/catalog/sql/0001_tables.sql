-- What is for sale. `number` is public and begins with the shop's code. Terms are versioned: an order keeps the version of its purchase.
CREATE TABLE catalog_product (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('card_key', 'top_up', 'account', 'boosting', 'rental')),
    delivery text NOT NULL CHECK (delivery IN ('auto', 'manual')),
    title_zh text NOT NULL CHECK (length(title_zh) BETWEEN 1 AND 120),
    title_en text NOT NULL CHECK (length(title_en) BETWEEN 1 AND 120),
    description_zh text NOT NULL DEFAULT '',
    description_en text NOT NULL DEFAULT '',
    face_value text NOT NULL,
    region text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 1 AND 100000000),
    currency char(3) NOT NULL,
    on_sale boolean NOT NULL,
    terms_version integer NOT NULL CHECK (terms_version > 0),
    listed_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number)
);

CREATE TABLE catalog_terms (
    shop_id bigint NOT NULL,
    product_id bigint NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    refund_window_minutes integer NOT NULL CHECK (refund_window_minutes >= 10080),
    warranty_minutes integer NOT NULL CHECK (warranty_minutes >= 10080),
    promise_minutes integer NOT NULL CHECK (promise_minutes > 0),
    hold_minutes integer NOT NULL CHECK (hold_minutes BETWEEN 5 AND 120),
    maximum_quantity integer NOT NULL CHECK (maximum_quantity BETWEEN 1 AND 1000),
    notice_zh text NOT NULL DEFAULT '',
    notice_en text NOT NULL DEFAULT '',
    published_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, product_id, version),
    FOREIGN KEY (shop_id, product_id) REFERENCES catalog_product (shop_id, id)
);
CREATE TRIGGER terms_append_only BEFORE UPDATE OR DELETE ON catalog_terms FOR EACH ROW EXECUTE FUNCTION refuse_change();
