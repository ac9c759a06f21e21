-- Everything about one open or closed case as JSON text, decoded by cases/models.py: CaseState.
CREATE OR REPLACE FUNCTION case_state(in_shop bigint, in_case bigint) RETURNS text LANGUAGE sql STABLE AS
$$
    SELECT json_build_object('id', argued.id, 'number', argued.number, 'order_id', argued.order_id, 'kind', argued.kind,
        'status', argued.status, 'asker', argued.asker, 'reason', argued.reason, 'statement', argued.statement,
        'positions', argued.positions, 'refund_minor', argued.refund_minor, 'opened_at', argued.opened_at, 'closed_at', argued.closed_at,
        'outcome', argued.outcome, 'ask_minor', argued.ask_minor, 'ask_replacement', argued.ask_replacement,
        'offered_minor', argued.offered_minor, 'refund_to', argued.refund_to, 'merchant_answer', argued.merchant_answer,
        'rounds', argued.rounds, 'bargaining_until', argued.bargaining_until, 'platform_since', argued.platform_since,
        'fault', argued.fault, 'keys_void', argued.keys_void, 'compensation_minor', argued.compensation_minor,
        'penalty_minor', argued.penalty_minor,
        'receipts', (SELECT coalesce(json_agg(json_build_object('sequence', receipt.sequence, 'decided_at', receipt.decided_at,
                'policy_version', receipt.policy_version, 'rule', receipt.rule, 'because_zh', receipt.because_zh,
                'because_en', receipt.because_en, 'facts', convert_from(receipt.facts, 'UTF8'),
                'decision', convert_from(receipt.decision, 'UTF8'), 'hash', encode(receipt.hash, 'hex')) ORDER BY receipt.sequence), '[]')
            FROM cases_receipt AS receipt WHERE receipt.shop_id = in_shop AND receipt.case_id = in_case),
        'answers', (SELECT coalesce(json_agg(json_build_object('at', said.at, 'by_side', said.by_side, 'person_id', said.person_id,
                'what', said.what, 'code', said.code, 'text', said.text) ORDER BY said.id), '[]')
            FROM cases_answer AS said WHERE said.shop_id = in_shop AND said.case_id = in_case),
        'offers', (SELECT coalesce(json_agg(json_build_object('id', offer.id, 'by_side', offer.by_side, 'refund_minor', offer.refund_minor,
                'replacement', offer.replacement, 'text', offer.text, 'status', offer.status, 'made_at', offer.made_at,
                'expires_at', offer.expires_at, 'key_ids', offer.key_ids) ORDER BY offer.id), '[]')
            FROM cases_offer AS offer WHERE offer.shop_id = in_shop AND offer.case_id = in_case),
        'evidence', (SELECT coalesce(json_agg(json_build_object('id', item.id, 'kind', item.kind, 'by_side', item.by_side, 'at', item.at,
                'text', item.text, 'sha256', encode(item.sha256, 'hex')) ORDER BY item.id), '[]')
            FROM cases_evidence AS item WHERE item.shop_id = in_shop AND item.case_id = in_case),
        'rulings', (SELECT coalesce(json_agg(json_build_object('instance', ruling.instance, 'status', ruling.status,
                'by_person', ruling.by_person, 'made_at', ruling.made_at, 'approved_by', ruling.approved_by,
                'approved_at', ruling.approved_at, 'fault', ruling.fault, 'remedy', ruling.remedy, 'refund_minor', ruling.refund_minor,
                'reasons', ruling.reasons, 'text', ruling.text, 'compensation_minor', ruling.compensation_minor,
                'penalty_minor', ruling.penalty_minor) ORDER BY ruling.id), '[]')
            FROM cases_ruling AS ruling WHERE ruling.shop_id = in_shop AND ruling.case_id = in_case),
        'clocks', (SELECT coalesce(json_agg(json_build_object('kind', clock.kind, 'state', clock.state, 'started_at', clock.started_at,
                'due_at', clock.due_at) ORDER BY clock.due_at), '[]')
            FROM core_clock AS clock WHERE clock.shop_id = in_shop AND clock.order_id = argued.order_id
                AND clock.position = (SELECT min(position) FROM unnest(argued.positions) AS position) AND argued.closed_at IS NULL
                AND clock.state IN ('running', 'paused')
                AND clock.kind IN ('answer', 'offer', 'evidence', 'look', 'rule', 'escalate', 'appeal', 'ceiling', 'external_reply',
        'external_done')))::text
    FROM cases_case AS argued WHERE argued.shop_id = in_shop AND argued.id = in_case;
$$;

-- Lock the order of a case and read both, in one round trip; like lock_order, whose order of lock and reading it shares. Returns no row
-- where there is no such case.
CREATE OR REPLACE FUNCTION lock_case(in_number text, in_person bigint, in_token bigint, in_real_now timestamptz, in_caller text, in_key text,
    in_fingerprint bytea) RETURNS TABLE (state text, argued text) LANGUAGE plpgsql VOLATILE
SET lock_timeout = '3s' SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
    shop bigint;
    wanted bigint;
    about bigint;
BEGIN
    SELECT id INTO shop FROM accounts_shop WHERE code = split_part(in_number, '-', 1);
    SELECT id, order_id INTO wanted, about FROM cases_case WHERE shop_id = shop AND number = in_number;
    IF wanted IS NULL THEN
        RETURN;
    END IF;
    PERFORM 1 FROM orders_order WHERE shop_id = shop AND id = about FOR NO KEY UPDATE;
    RETURN QUERY SELECT order_state(shop, about, in_person, in_token, in_real_now, known_request(in_caller, in_key, in_fingerprint)),
        case_state(shop, wanted);
END
$$;

-- The same without a lock, for pages.
CREATE OR REPLACE FUNCTION read_case(in_number text, in_person bigint, in_token bigint, in_real_now timestamptz)
RETURNS TABLE (state text, argued text) LANGUAGE sql STABLE AS
$$
    SELECT order_state(shop_id, order_id, in_person, in_token, in_real_now, NULL), case_state(shop_id, id) FROM cases_case
        WHERE shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(in_number, '-', 1)) AND number = in_number;
$$;

-- Lock a batch of orders that have a case whose clock has fallen, and read them, however many fall at once. An order somebody else is
-- working on is skipped, and comes again; an order with several such clocks comes once per batch, with the one that fell first.
CREATE OR REPLACE FUNCTION lock_fallen_cases(in_now timestamptz, in_real_now timestamptz, in_limit integer)
RETURNS TABLE (state text, argued text, clock_kind text) LANGUAGE plpgsql VOLATILE SET lock_timeout = '3s' AS
$$
DECLARE
    patient_shops bigint[];
    patient_orders bigint[];
    shops bigint[];
    orders bigint[];
BEGIN
    -- Cases that made trouble wait in the outbox; there are few of them, and they are looked up once.
    SELECT array_agg(work.shop_id), array_agg(argued.order_id) INTO patient_shops, patient_orders FROM core_outbox AS work
        JOIN cases_case AS argued ON argued.shop_id = work.shop_id AND argued.number = work.subject
        WHERE work.topic = 'case_clock' AND work.done_at IS NULL;
    -- Each kind by itself, so that each is a short walk along the index of what is due.
    SELECT array_agg(locked.shop_id), array_agg(locked.id) INTO shops, orders FROM (
        SELECT o.shop_id, o.id FROM orders_order AS o
            JOIN (SELECT DISTINCT due.shop_id, due.order_id FROM
                    unnest(ARRAY['ceiling', 'answer', 'offer', 'evidence', 'look', 'rule', 'escalate', 'appeal']) AS wanted (kind),
                    LATERAL (SELECT clock.shop_id, clock.order_id FROM core_clock AS clock
                        WHERE clock.kind = wanted.kind AND clock.state = 'running' AND clock.due_at <= in_now
                          AND (patient_orders IS NULL OR NOT EXISTS (SELECT FROM unnest(patient_shops, patient_orders) AS patient (shop_id, order_id)
                                WHERE patient.shop_id = clock.shop_id AND patient.order_id = clock.order_id))
                        ORDER BY clock.due_at LIMIT in_limit) AS due
                  LIMIT in_limit) AS fallen ON fallen.shop_id = o.shop_id AND fallen.order_id = o.id
            FOR NO KEY UPDATE OF o SKIP LOCKED) AS locked;
    RETURN QUERY
        SELECT order_state(due.shop_id, due.order_id, 0, 0, in_real_now, NULL), case_state(due.shop_id, due.case_id), due.kind
        FROM (SELECT DISTINCT ON (clock.shop_id, clock.order_id) clock.shop_id, clock.order_id, argued.case_id, clock.kind
              FROM unnest(shops, orders) AS picked (shop_id, order_id)
                JOIN core_clock AS clock ON clock.shop_id = picked.shop_id AND clock.order_id = picked.order_id
                    AND clock.state = 'running' AND clock.due_at <= in_now
                    AND clock.kind IN ('answer', 'offer', 'evidence', 'look', 'rule', 'escalate', 'appeal', 'ceiling')
                JOIN cases_unit AS argued ON argued.shop_id = clock.shop_id AND argued.order_id = clock.order_id
                    AND argued.position = clock.position AND argued.open
              -- The ceiling goes before everything else that fell by then.
              ORDER BY clock.shop_id, clock.order_id, (clock.kind = 'ceiling') DESC, clock.due_at) AS due;
END
$$;
