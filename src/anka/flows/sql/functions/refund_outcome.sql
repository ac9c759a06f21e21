-- Write what one refund attempt has become, with everything that follows from it: leg, refund, books, units, event. The caller holds the
-- order's lock (lock_attempt). Where unidentified money goes back there may be no order, and so no history to write into.
CREATE OR REPLACE FUNCTION write_refund_outcome(in_shop bigint, in_order bigint, in_attempt bigint, in_at timestamptz, in_actor text,
    in_change jsonb) RETURNS void LANGUAGE plpgsql
SET lock_timeout = '3s' SET plan_cache_mode = force_generic_plan AS
$$
DECLARE part jsonb;
BEGIN
    PERFORM write_attempt(in_shop, in_attempt, in_at, in_change -> 'attempt');
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'money', '[]'::jsonb)) LOOP
        PERFORM move_unit_money(in_shop, in_order, in_at, part);
    END LOOP;
    IF in_change ? 'journals' THEN
        PERFORM post_journals(in_at, in_change ->> 'currency', in_change -> 'journals');
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'events', '[]'::jsonb)) LOOP
        EXIT WHEN in_order IS NULL;
        PERFORM record_event(in_shop, in_order, in_at, in_actor, part ->> 'what',
            ARRAY(SELECT value::integer FROM jsonb_array_elements_text(coalesce(part -> 'positions', '[]'::jsonb))), NULL, NULL, part -> 'details');
    END LOOP;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'notices', '[]'::jsonb)) LOOP
        EXIT WHEN in_order IS NULL;
        PERFORM tell(in_shop, in_order, NULL, part ->> 'audience', part ->> 'kind', part -> 'details', in_at);
    END LOOP;
END
$$;
