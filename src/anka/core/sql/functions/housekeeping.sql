-- Forget what has served its time: answered requests (kept for a week, a day is promised), idle buckets, work done a month ago. A batch.
CREATE OR REPLACE FUNCTION forget_old(in_now timestamptz, in_real_now timestamptz, in_limit integer) RETURNS integer LANGUAGE plpgsql AS
$$
DECLARE
    forgotten integer;
    total integer := 0;
BEGIN
    DELETE FROM core_request WHERE (caller, idempotency_key) IN (
        SELECT caller, idempotency_key FROM core_request WHERE made_at < in_real_now - interval '7 days' LIMIT in_limit);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    total := total + forgotten;
    DELETE FROM core_rate_bucket WHERE (budget, caller) IN (
        SELECT budget, caller FROM core_rate_bucket WHERE refreshed_at < in_real_now - interval '2 days' LIMIT in_limit);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    total := total + forgotten;
    DELETE FROM core_outbox WHERE (shop_id, id) IN (
        SELECT shop_id, id FROM core_outbox WHERE done_at < in_now - interval '30 days' LIMIT in_limit);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN total + forgotten;
END
$$;

-- Count the tables anew after much was loaded at once: a session that plans while they look empty keeps a bad plan until somebody counts.
-- Runs with its owner's right, since only the owner of a table may.
CREATE OR REPLACE FUNCTION refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
$$
DECLARE one text;
BEGIN
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename LOOP
        EXECUTE format('ANALYZE %I', one);
    END LOOP;
END
$$;
