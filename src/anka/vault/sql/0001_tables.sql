-- Card keys, encrypted. The plain text exists only in the memory of the process that imports or reveals it.

-- One data key per shop and version, wrapped by a key-encryption key that never enters the database.
CREATE TABLE vault_data_key (
    shop_id bigint NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    wrapped bytea NOT NULL,
    wrapped_by text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, version)
);

CREATE TABLE vault_batch (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    product_id bigint NOT NULL,
    source text NOT NULL,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    key_count integer NOT NULL CHECK (key_count >= 0),
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, id, product_id),
    FOREIGN KEY (shop_id, product_id) REFERENCES catalog_product (shop_id, id)
);

CREATE SEQUENCE vault_key_id;

-- Additional data of the ciphertext: row id, shop and product, so that a ciphertext moved to another row does not open.
CREATE TABLE vault_key (
    shop_id bigint NOT NULL,
    id bigint NOT NULL DEFAULT nextval('vault_key_id'),
    product_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    status text NOT NULL DEFAULT 'available' CHECK (status IN ('available', 'reserved', 'sealed', 'revealed', 'held', 'voided')),
    nonce bytea NOT NULL CHECK (length(nonce) = 12),
    ciphertext bytea NOT NULL,
    data_key_version integer NOT NULL,
    blind_index bytea NOT NULL CHECK (length(blind_index) = 32),
    PRIMARY KEY (shop_id, id),
    CONSTRAINT key_once_per_product UNIQUE (shop_id, product_id, blind_index),
    -- The batch knows its product, so one check proves both; each further one would cost a tenth of an import's speed.
    FOREIGN KEY (shop_id, batch_id, product_id) REFERENCES vault_batch (shop_id, id, product_id),
    FOREIGN KEY (shop_id, data_key_version) REFERENCES vault_data_key (shop_id, version)
) WITH (fillfactor = 70);
CREATE INDEX vault_key_available ON vault_key (shop_id, product_id, id) WHERE status = 'available';

-- Who held a key, and how that ended. A key has at most one current allocation; past ones are its history.
CREATE TABLE vault_allocation (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    key_id bigint NOT NULL,
    order_id bigint NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    allocated_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_as text CHECK (ended_as IN ('available', 'held', 'voided')),
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, key_id) REFERENCES vault_key (shop_id, id),
    CHECK ((ended_at IS NULL) = (ended_as IS NULL))
);
CREATE UNIQUE INDEX vault_allocation_one_current ON vault_allocation (shop_id, key_id) WHERE ended_at IS NULL;
CREATE INDEX vault_allocation_order ON vault_allocation (shop_id, order_id, position);
