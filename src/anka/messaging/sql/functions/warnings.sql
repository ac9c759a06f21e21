-- When a clock warns: at a share of its time, or so many seconds after it started. In seconds, so that no zone has a say in it.
CREATE OR REPLACE FUNCTION clock_warns_at(in_started timestamptz, in_due timestamptz, in_percent integer, in_after_seconds bigint)
RETURNS timestamptz LANGUAGE sql STABLE AS
$$
    SELECT in_started + make_interval(secs =>
        coalesce(in_after_seconds, extract(epoch FROM in_due - in_started) * in_percent / 100.0)::float8);
$$;

-- Warn of a batch of running clocks that have come to a warning, and return how many clocks that were. `in_rules` is domain/deadlines.py:
-- WARNED as JSON, the shares of each in ascending order. Whoever writes the row in messaging_warned tells, so that two sweeps at once tell
-- once; a sweep that comes late tells the last share only. Paused clocks warn of nothing, and those past their due time fall instead.
-- One statement, whatever the batch.
CREATE OR REPLACE FUNCTION warn_of_clocks(in_now timestamptz, in_rules jsonb, in_limit integer) RETURNS integer LANGUAGE sql VOLATILE AS
$$
    WITH rule AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(in_rules) AS rule (clock text, percents integer[], after_seconds bigint, audiences text[])),
    come AS (
        SELECT clock.shop_id, clock.id, clock.order_id, clock.position, clock.kind, clock.due_at, reached.percent, rule.audiences
        FROM rule JOIN core_clock AS clock ON clock.kind = rule.clock AND clock.state = 'running' AND clock.due_at > in_now
                -- Roughly, which is cheap and leaves nobody out; exactly below.
                AND in_now - clock.started_at + interval '1 second'
                    >= (clock.due_at - clock.started_at) * (rule.percents[1]::float8 / 100)
            CROSS JOIN LATERAL (SELECT max(share) AS percent FROM unnest(rule.percents) AS share
                WHERE clock_warns_at(clock.started_at, clock.due_at, share, rule.after_seconds) <= in_now) AS reached
            LEFT JOIN messaging_warned AS warned ON warned.shop_id = clock.shop_id AND warned.clock_id = clock.id
        WHERE reached.percent > coalesce(warned.percent, 0)
        ORDER BY clock.shop_id, clock.id LIMIT in_limit),
    warned AS (
        INSERT INTO messaging_warned AS before (shop_id, clock_id, percent, warned_at)
            SELECT shop_id, id, percent, in_now FROM come ORDER BY shop_id, id
            ON CONFLICT (shop_id, clock_id) DO UPDATE SET percent = EXCLUDED.percent, warned_at = EXCLUDED.warned_at
                WHERE before.percent < EXCLUDED.percent
            RETURNING shop_id, clock_id),
    told AS (
        INSERT INTO messaging_notice (shop_id, audience, person_id, order_id, order_number, case_number, kind, details, made_at)
            SELECT o.shop_id, audience, CASE WHEN audience = 'buyer' THEN o.buyer_id ELSE 0 END, o.id, o.number, argued.number,
                'clock_warning',
                jsonb_build_object('clock', come.kind, 'clock_id', come.id, 'percent', come.percent, 'due_at', come.due_at), in_now
            FROM warned JOIN come ON come.shop_id = warned.shop_id AND come.id = warned.clock_id
                JOIN orders_order AS o ON o.shop_id = come.shop_id AND o.id = come.order_id
                LEFT JOIN cases_unit AS disputed ON disputed.shop_id = come.shop_id AND disputed.order_id = come.order_id
                    AND disputed.position = come.position AND disputed.open
                LEFT JOIN cases_case AS argued ON argued.shop_id = disputed.shop_id AND argued.id = disputed.case_id
                CROSS JOIN unnest(come.audiences) AS audience
            ORDER BY come.due_at, o.shop_id, o.id)
    SELECT count(*)::integer FROM warned;
$$;

-- Tell of a batch of promises that were broken: the goods are late from now on, which the buyer can leave by one click. Once per clock.
CREATE OR REPLACE FUNCTION tell_of_late_deliveries(in_now timestamptz, in_limit integer) RETURNS integer LANGUAGE sql VOLATILE AS
$$
    WITH late AS (
        SELECT clock.shop_id, clock.id, clock.order_id, clock.due_at FROM core_clock AS clock
            LEFT JOIN messaging_warned AS warned ON warned.shop_id = clock.shop_id AND warned.clock_id = clock.id
            WHERE clock.kind = 'promise' AND clock.state = 'running' AND clock.due_at <= in_now AND coalesce(warned.percent, 0) < 100
            ORDER BY clock.due_at LIMIT in_limit),
    noted AS (
        INSERT INTO messaging_warned AS before (shop_id, clock_id, percent, warned_at)
            SELECT shop_id, id, 100, in_now FROM late ORDER BY shop_id, id
            ON CONFLICT (shop_id, clock_id) DO UPDATE SET percent = 100, warned_at = EXCLUDED.warned_at WHERE before.percent < 100
            RETURNING shop_id, clock_id),
    told AS (
        INSERT INTO messaging_notice (shop_id, audience, person_id, order_id, order_number, kind, details, made_at)
            SELECT o.shop_id, audience, CASE WHEN audience = 'buyer' THEN o.buyer_id ELSE 0 END, o.id, o.number, 'late_delivery',
                jsonb_build_object('due_at', late.due_at), in_now
            FROM noted JOIN late ON late.shop_id = noted.shop_id AND late.id = noted.clock_id
                JOIN orders_order AS o ON o.shop_id = late.shop_id AND o.id = late.order_id
                CROSS JOIN unnest(ARRAY['buyer', 'shop']) AS audience
            ORDER BY late.due_at, o.shop_id, o.id)
    SELECT count(*)::integer FROM noted;
$$;

-- The moments within a span at which running clocks warn: what the sandbox's clock must not jump over.
CREATE OR REPLACE FUNCTION warnings_between(in_after timestamptz, in_until timestamptz, in_rules jsonb) RETURNS SETOF timestamptz
LANGUAGE sql STABLE AS
$$
    SELECT warning.at
    FROM jsonb_to_recordset(in_rules) AS rule (clock text, percents integer[], after_seconds bigint)
        JOIN core_clock AS clock ON clock.kind = rule.clock AND clock.state = 'running' AND clock.due_at > in_after
        CROSS JOIN LATERAL (SELECT clock_warns_at(clock.started_at, clock.due_at, share, rule.after_seconds) AS at
            FROM unnest(rule.percents) AS share) AS warning
    WHERE warning.at > in_after AND warning.at <= in_until AND warning.at < clock.due_at;
$$;

-- Forget a batch of notices that were read and are older than 90 days, and of warnings as old whose clock has ended.
CREATE OR REPLACE FUNCTION forget_notices(in_now timestamptz, in_limit integer) RETURNS integer LANGUAGE plpgsql AS
$$
DECLARE
    forgotten integer;
    total integer;
BEGIN
    DELETE FROM messaging_notice WHERE (shop_id, id) IN (SELECT shop_id, id FROM messaging_notice
        WHERE read_at IS NOT NULL AND made_at < in_now - interval '90 days' ORDER BY made_at LIMIT in_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS total = ROW_COUNT;
    DELETE FROM messaging_warned WHERE (shop_id, clock_id) IN (SELECT warned.shop_id, warned.clock_id FROM messaging_warned AS warned
        WHERE warned.warned_at < in_now - interval '90 days'
          AND NOT EXISTS (SELECT FROM core_clock AS clock WHERE clock.shop_id = warned.shop_id AND clock.id = warned.clock_id
              AND clock.state IN ('running', 'paused'))
        ORDER BY warned.warned_at LIMIT in_limit FOR UPDATE OF warned SKIP LOCKED);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN total + forgotten;
END
$$;
