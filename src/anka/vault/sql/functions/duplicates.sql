-- Write down which of these new keys another shop has too, and return how many pairs that made; `in_marks` are their blind indexes, in the
-- order of the keys. Imports of different shops come through here one at a time, after their keys are stored: of two that bring the same
-- key at once, the later one sees what the earlier committed. Always by the index, one key after the other: while a first large import
-- runs, nobody has counted the tables yet, and a plan made on their emptiness would read them whole.
CREATE OR REPLACE FUNCTION note_duplicates(in_shop bigint, in_keys bigint[], in_marks bytea[], in_at timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS
$$
DECLARE found integer;
BEGIN
    PERFORM pg_advisory_xact_lock(7266734);
    INSERT INTO vault_duplicate (shop_id, key_id, other_shop_id, other_key_id, found_at)
        SELECT in_shop, new.key_id, other.shop_id, other.id, in_at FROM unnest(in_keys, in_marks) AS new (key_id, mark)
            JOIN vault_key AS other ON other.blind_index = new.mark AND other.shop_id <> in_shop
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS found = ROW_COUNT;
    RETURN found;
END
$$;
