-- What the next checkpoint covers: events of transactions that have ended, from where the last checkpoint stopped up to the horizon (the
-- oldest transaction still running), so that one committing late is not skipped. One maker at a time; the lock ends with the transaction.
CREATE OR REPLACE FUNCTION next_checkpoint() RETURNS TABLE (from_transaction text, to_transaction text, previous_hash bytea)
LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
    PERFORM pg_advisory_xact_lock(7266733);
    RETURN QUERY SELECT coalesce(last.to_transaction, '0'::xid8)::text, pg_snapshot_xmin(pg_current_snapshot())::text,
            coalesce(last.hash, decode(repeat('00', 32), 'hex'))
        FROM (SELECT) AS nothing LEFT JOIN LATERAL (
            SELECT made.to_transaction, made.hash FROM core_checkpoint AS made ORDER BY made.id DESC LIMIT 1) AS last ON true;
END
$$;

-- The hashes of the events a checkpoint covers, in the order of its leaves.
CREATE OR REPLACE FUNCTION checkpoint_leaves(in_from xid8, in_to xid8) RETURNS TABLE (leaf bytea) LANGUAGE sql STABLE AS
$$
    SELECT hash FROM core_event WHERE transaction_id >= in_from AND transaction_id < in_to
        ORDER BY transaction_id, shop_id, order_id, sequence;
$$;

-- Keep a checkpoint. Its number is given here, so that checkpoints stand in the order in which they are chained.
CREATE OR REPLACE FUNCTION keep_checkpoint(in_made_at timestamptz, in_from xid8, in_to xid8, in_count bigint, in_previous bytea,
    in_root bytea, in_hash bytea, in_key_name text, in_signature bytea) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO core_checkpoint (made_at, from_transaction, to_transaction, event_count, previous_hash, root, hash, key_name, signature)
        VALUES (in_made_at, in_from, in_to, in_count, in_previous, in_root, in_hash, in_key_name, in_signature);
$$;
