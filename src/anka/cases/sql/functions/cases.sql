-- Open a case whose decision is carried out in this very transaction, store its receipt, and close it: the goods have moved and the
-- refund is accepted, or nothing had been paid. Arrival is tracked on the refund, not here.
CREATE OR REPLACE FUNCTION open_and_close_case(in_shop bigint, in_order bigint, in_at timestamptz, in_case jsonb) RETURNS void
LANGUAGE plpgsql AS
$$
DECLARE
    opened bigint;
    wanted integer[] := ARRAY(SELECT value::integer FROM jsonb_array_elements_text(in_case -> 'positions'));
    facts bytea := convert_to(in_case ->> 'facts', 'UTF8');
    decision bytea := convert_to(in_case ->> 'decision', 'UTF8');
BEGIN
    INSERT INTO cases_case (shop_id, number, order_id, kind, status, asker, reason, statement, positions, refund_minor, opened_at)
        VALUES (in_shop, in_case ->> 'number', in_order, in_case ->> 'kind', 'open', in_case ->> 'asker', in_case ->> 'reason',
                in_case ->> 'statement', wanted, (in_case ->> 'refund_minor')::bigint, in_at)
        RETURNING id INTO opened;
    INSERT INTO cases_unit (shop_id, case_id, order_id, position, open)
        SELECT in_shop, opened, in_order, position, true FROM unnest(wanted) AS position;
    INSERT INTO cases_receipt (shop_id, case_id, decided_at, policy_version, rule, facts, decision, because_zh, because_en, hash)
        VALUES (in_shop, opened, in_at, in_case ->> 'policy_version', in_case ->> 'rule', facts, decision, in_case ->> 'because_zh',
                in_case ->> 'because_en', sha256(facts || decision));
    PERFORM record_event(in_shop, in_order, in_at, in_case ->> 'actor', 'case_opened', wanted, NULL, NULL, jsonb_build_object(
        'case', in_case ->> 'number', 'reason', in_case ->> 'reason', 'rule', in_case ->> 'rule', 'route', in_case ->> 'route',
        'refund_minor', (in_case ->> 'refund_minor')::bigint, 'receipt', encode(sha256(facts || decision), 'hex')));
    UPDATE cases_case SET status = 'executing' WHERE shop_id = in_shop AND id = opened;
    UPDATE cases_case SET status = 'closed', closed_at = in_at, outcome = in_case ->> 'outcome' WHERE shop_id = in_shop AND id = opened;
    UPDATE cases_unit SET open = false WHERE shop_id = in_shop AND case_id = opened;
END
$$;
