-- Keep what a run of the audit found, and return what is new. Only a look at everything can say that something is gone.
CREATE OR REPLACE FUNCTION keep_findings(in_at timestamptz, in_found jsonb, in_whole boolean)
RETURNS TABLE (invariant text, place text, what text) LANGUAGE plpgsql AS
$$
BEGIN
    -- One run at a time: two that find the same must not both call it new.
    PERFORM pg_advisory_xact_lock(7266734);
    IF in_whole THEN
        UPDATE core_audit_finding AS before SET gone_at = greatest(in_at, before.found_at)
        WHERE before.gone_at IS NULL AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(in_found) AS now (invariant text, "where" text, what text)
            WHERE now.invariant = before.invariant AND now."where" = before.place AND now.what = before.what);
    END IF;
    RETURN QUERY
        WITH now AS (
            SELECT DISTINCT found.invariant, found."where" AS place, found.what,
                sha256(convert_to(concat_ws(E'\n', found.invariant, found."where", found.what), 'UTF8')) AS fingerprint
            FROM jsonb_to_recordset(in_found) AS found (invariant text, "where" text, what text)),
        kept AS (
            INSERT INTO core_audit_finding AS before (fingerprint, invariant, place, what, found_at, seen_at)
                SELECT now.fingerprint, now.invariant, now.place, now.what, in_at, in_at FROM now
                ON CONFLICT (fingerprint) WHERE gone_at IS NULL DO UPDATE SET seen_at = greatest(before.seen_at, excluded.seen_at)
                RETURNING before.invariant, before.place, before.what, xmax = 0 AS news)
        SELECT kept.invariant, kept.place, kept.what FROM kept WHERE kept.news ORDER BY 1, 2, 3;
END
$$;

-- Keep that the audit was run, and forget runs of three months ago, a batch at a time.
CREATE OR REPLACE FUNCTION keep_audit_run(in_scope text, in_by text, in_market timestamptz, in_started timestamptz, in_ended timestamptz,
    in_position text, in_violations integer) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO core_audit_run (scope, asked_by, market_at, started_at, ended_at, position, violations)
        VALUES (in_scope, in_by, in_market, in_started, greatest(in_started, in_ended), in_position, in_violations);
    DELETE FROM core_audit_run WHERE id IN (
        SELECT id FROM core_audit_run WHERE started_at < in_started - interval '90 days' ORDER BY id LIMIT 1000);
$$;
