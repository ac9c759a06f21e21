-- Retire a key-encryption key, unless some data key is still wrapped by it; tells whether it is retired. No data key is added meanwhile,
-- and whoever adds one afterwards finds the name here.
CREATE OR REPLACE FUNCTION retire_key(in_name text, in_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS
$$
BEGIN
    LOCK TABLE vault_data_key IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM vault_data_key WHERE wrapped_by = in_name) THEN
        RETURN false;
    END IF;
    INSERT INTO core_retired_key (name, retired_at) VALUES (in_name, in_at) ON CONFLICT (name) DO NOTHING;
    RETURN true;
END
$$;

-- Wrap a data key anew, where it is still wrapped as it was read, and its new wrapping is not a retired one; tells whether it was done.
CREATE OR REPLACE FUNCTION rewrap_data_key(in_shop bigint, in_version integer, in_before bytea, in_wrapped bytea, in_wrapped_by text)
RETURNS boolean LANGUAGE plpgsql AS
$$
BEGIN
    UPDATE vault_data_key SET wrapped = in_wrapped, wrapped_by = in_wrapped_by
        WHERE shop_id = in_shop AND version = in_version AND wrapped = in_before
          AND NOT EXISTS (SELECT FROM core_retired_key WHERE name = in_wrapped_by);
    RETURN FOUND;
END
$$;

-- Seal keys anew under another data key, each where it is still sealed as it was read; returns how many. Whoever takes a key at this
-- moment keeps it as it is. A buyer who finds too few keys waits for this lock before believing it (reserve_keys).
CREATE OR REPLACE FUNCTION reseal_keys(in_shop bigint, in_version integer, in_ids bigint[], in_before bytea[], in_nonces bytea[],
    in_ciphertexts bytea[]) RETURNS integer LANGUAGE plpgsql AS
$$
DECLARE resealed integer;
BEGIN
    PERFORM pg_advisory_xact_lock(7266734);
    WITH fresh AS (
        SELECT * FROM unnest(in_ids, in_before, in_nonces, in_ciphertexts) AS new (id, before, nonce, ciphertext)
    ), free AS (
        SELECT id FROM vault_key WHERE shop_id = in_shop AND id = ANY (in_ids) AND status IN ('available', 'held') FOR UPDATE SKIP LOCKED
    )
    UPDATE vault_key AS lying SET nonce = fresh.nonce, ciphertext = fresh.ciphertext, data_key_version = in_version
        FROM fresh JOIN free USING (id)
        WHERE lying.shop_id = in_shop AND lying.id = fresh.id AND lying.nonce = fresh.before;
    GET DIAGNOSTICS resealed = ROW_COUNT;
    RETURN resealed;
END
$$;
