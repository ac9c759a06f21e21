-- Write down which of these new keys another shop has too, and return how many pairs that made. Imports of different shops come through
-- here one at a time, after their keys are stored: of two that bring the same key at once, the later one sees what the earlier committed.
CREATE OR REPLACE FUNCTION note_duplicates(in_shop bigint, in_keys bigint[], in_at timestamptz) RETURNS integer LANGUAGE plpgsql VOLATILE AS
$$
DECLARE found integer;
BEGIN
    PERFORM pg_advisory_xact_lock(7266734);
    INSERT INTO vault_duplicate (shop_id, key_id, other_shop_id, other_key_id, found_at)
        SELECT new.shop_id, new.id, other.shop_id, other.id, in_at FROM vault_key AS new
            JOIN vault_key AS other ON other.blind_index = new.blind_index AND other.shop_id <> new.shop_id
        WHERE new.shop_id = in_shop AND new.id = ANY (in_keys)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS found = ROW_COUNT;
    RETURN found;
END
$$;
