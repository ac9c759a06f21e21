-- What the issuer of a key said about it, tries of a key check, and keys that more than one merchant has brought.

-- One row per unit and question, also where nothing was said. Never a key: the issuer is asked by the key's SHA-256, which is not kept.
-- NULL: the answer was silent about it. `digest` is the SHA-256 of the signed answer, empty where none came.
CREATE TABLE vault_issuer_answer (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    order_id bigint NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    issuer text NOT NULL,
    occasion text NOT NULL CHECK (occasion IN ('delivery', 'reveal', 'claim', 'void', 'notice')),
    asked_at timestamptz NOT NULL,
    use_check text NOT NULL CHECK (use_check IN ('unknown', 'unused', 'used_before_reveal', 'used_after_reveal', 'invalid')),
    used_by text NOT NULL CHECK (used_by IN ('unknown', 'buyer', 'other')),
    voidable boolean,
    matches_order text NOT NULL CHECK (matches_order IN ('unknown', 'yes', 'no')),
    delivered_percent integer CHECK (delivered_percent BETWEEN 0 AND 100),
    receipt text CHECK (length(receipt) BETWEEN 1 AND 200),
    reason text NOT NULL DEFAULT '',
    digest bytea NOT NULL CHECK (length(digest) IN (0, 32)),
    PRIMARY KEY (shop_id, id),
    -- The same answer is written down once, however often it is recorded.
    UNIQUE (shop_id, order_id, position, occasion, asked_at, digest),
    CONSTRAINT receipt_is_for_a_void CHECK (receipt IS NULL OR occasion = 'void'),
    CONSTRAINT silence_says_nothing CHECK (length(digest) = 32 OR (use_check = 'unknown' AND used_by = 'unknown' AND voidable IS NULL
        AND matches_order = 'unknown' AND delivered_percent IS NULL AND receipt IS NULL))
);
CREATE TRIGGER issuer_answer_append_only BEFORE UPDATE OR DELETE ON vault_issuer_answer FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Somebody typed the beginning of a key to show that they hold it: at most five times a day (market time, China) and unit.
CREATE TABLE vault_key_check (
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    day date NOT NULL,
    try_number integer NOT NULL CHECK (try_number BETWEEN 1 AND 5),
    tried_at timestamptz NOT NULL,
    person_id bigint NOT NULL,
    matched boolean NOT NULL,
    PRIMARY KEY (shop_id, order_id, position, day, try_number)
);
CREATE TRIGGER key_check_append_only BEFORE UPDATE OR DELETE ON vault_key_check FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A key that was imported although another merchant has it too. For the platform alone: neither shop is told of the other.
CREATE TABLE vault_duplicate (
    shop_id bigint NOT NULL,
    key_id bigint NOT NULL,
    other_shop_id bigint NOT NULL CHECK (other_shop_id <> shop_id),
    other_key_id bigint NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, key_id, other_shop_id, other_key_id),
    FOREIGN KEY (shop_id, key_id) REFERENCES vault_key (shop_id, id)
);
CREATE INDEX vault_duplicate_newest ON vault_duplicate (found_at DESC, shop_id, key_id);
CREATE TRIGGER duplicate_append_only BEFORE UPDATE OR DELETE ON vault_duplicate FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE INDEX vault_key_blind_index ON vault_key (blind_index);
INSERT INTO vault_duplicate (shop_id, key_id, other_shop_id, other_key_id, found_at)
    SELECT newer.shop_id, newer.id, older.shop_id, older.id, batch.imported_at
    FROM vault_key AS newer
        JOIN vault_key AS older ON older.blind_index = newer.blind_index AND older.shop_id <> newer.shop_id AND older.id < newer.id
        JOIN vault_batch AS batch ON batch.shop_id = newer.shop_id AND batch.id = newer.batch_id;
