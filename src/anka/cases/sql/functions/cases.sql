-- Store one judgement of a case: the facts and the decision as the exact bytes that were hashed.
CREATE OR REPLACE FUNCTION add_receipt(in_shop bigint, in_case bigint, in_at timestamptz, in_receipt jsonb) RETURNS text LANGUAGE sql AS
$$
    INSERT INTO cases_receipt (shop_id, case_id, sequence, decided_at, policy_version, rule, facts, decision, because_zh, because_en, hash)
        SELECT in_shop, in_case, coalesce((SELECT max(sequence) FROM cases_receipt WHERE shop_id = in_shop AND case_id = in_case), 0) + 1,
               in_at, in_receipt ->> 'policy_version', in_receipt ->> 'rule', bytes.facts, bytes.decision, in_receipt ->> 'because_zh',
               in_receipt ->> 'because_en', sha256(bytes.facts || bytes.decision)
        FROM (SELECT convert_to(in_receipt ->> 'facts', 'UTF8') AS facts, convert_to(in_receipt ->> 'decision', 'UTF8') AS decision) AS bytes
        RETURNING encode(hash, 'hex');
$$;

-- The seal of a receipt: over all it says and where it stands, its facts and decision by their hash. It goes into the event of the
-- judgement and so into the chain, whence the audit (I15) takes it; how it is written down must therefore never change.
CREATE OR REPLACE FUNCTION receipt_seal(in_number text, in_receipt cases_receipt) RETURNS text LANGUAGE sql IMMUTABLE AS
$$
    SELECT encode(sha256(convert_to(jsonb_build_array(in_number, in_receipt.sequence,
        to_char(in_receipt.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), in_receipt.policy_version, in_receipt.rule,
        in_receipt.because_zh, in_receipt.because_en, encode(in_receipt.hash, 'hex'))::text, 'UTF8')), 'hex');
$$;

-- Open a case with its receipt, and lead it along `path`: to the status where it waits for somebody, or through executing to closed
-- where everything happens in this very transaction. Its units are argued about, and `frozen_each` of their money is frozen, until it closes.
CREATE OR REPLACE FUNCTION open_case(in_shop bigint, in_order bigint, in_at timestamptz, in_actor text, in_case jsonb) RETURNS void
LANGUAGE plpgsql AS
$$
DECLARE
    opened bigint;
    wanted integer[] := ARRAY(SELECT value::integer FROM jsonb_array_elements_text(in_case -> 'positions'));
    proof text;
    item jsonb;
BEGIN
    INSERT INTO cases_case (shop_id, number, order_id, kind, status, asker, reason, statement, positions, refund_minor, opened_at,
            ask_minor, ask_replacement, offered_minor, refund_to, platform_since, fault, keys_void, compensation_minor)
        VALUES (in_shop, in_case ->> 'number', in_order, in_case ->> 'kind', 'open', in_case ->> 'asker', in_case ->> 'reason',
                in_case ->> 'statement', wanted, (in_case ->> 'refund_minor')::bigint, in_at,
                (in_case ->> 'ask_minor')::bigint, coalesce((in_case ->> 'ask_replacement')::boolean, false),
                (in_case ->> 'offered_minor')::bigint, in_case ->> 'refund_to',
                CASE WHEN in_case -> 'path' ? 'evidence' THEN in_at END, in_case ->> 'fault',
                coalesce((in_case ->> 'keys_void')::boolean, false), coalesce((in_case ->> 'compensation_minor')::bigint, 0))
        RETURNING id INTO opened;
    INSERT INTO cases_unit (shop_id, case_id, order_id, position, open)
        SELECT in_shop, opened, in_order, position, true FROM unnest(wanted) AS position;
    UPDATE orders_unit AS unit SET case_count = case_count + 1, frozen_minor = coalesce(frozen.amount_minor, 0)
        FROM unnest(wanted, ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(coalesce(in_case -> 'frozen_each', '[]'::jsonb))))
            AS frozen (position, amount_minor)
        WHERE unit.shop_id = in_shop AND unit.order_id = in_order AND unit.position = frozen.position;
    proof := add_receipt(in_shop, opened, in_at, in_case -> 'receipt');
    PERFORM record_event(in_shop, in_order, in_at, in_actor, 'case_opened', wanted, NULL, NULL, jsonb_build_object(
        'case', in_case ->> 'number', 'reason', in_case ->> 'reason', 'rule', in_case -> 'receipt' ->> 'rule', 'route', in_case ->> 'route',
        'refund_minor', (in_case ->> 'refund_minor')::bigint, 'receipt', proof, 'seal', (
            SELECT receipt_seal(in_case ->> 'number', receipt) FROM cases_receipt AS receipt
            WHERE receipt.shop_id = in_shop AND receipt.case_id = opened))
        || CASE WHEN in_case ? 'compensation_minor' THEN jsonb_build_object('compensation_minor', (in_case ->> 'compensation_minor')::bigint)
           ELSE '{}'::jsonb END);
    FOR item IN SELECT value FROM jsonb_array_elements(coalesce(in_case -> 'evidence', '[]'::jsonb)) LOOP
        PERFORM add_case_evidence(in_shop, opened, in_at, item);
    END LOOP;
    PERFORM lead_case(in_shop, opened, in_at, in_case -> 'path', in_case ->> 'outcome');
END
$$;

-- Lead a case from status to status, each of them a move the table has; where it closes, its units are free again.
CREATE OR REPLACE FUNCTION lead_case(in_shop bigint, in_case bigint, in_at timestamptz, in_path jsonb, in_outcome text) RETURNS void
LANGUAGE plpgsql AS
$$
DECLARE next_status text;
BEGIN
    FOR next_status IN SELECT value FROM jsonb_array_elements_text(coalesce(in_path, '[]'::jsonb)) LOOP
        UPDATE cases_case SET status = next_status,
                closed_at = CASE WHEN next_status = 'closed' THEN in_at END,
                outcome = CASE WHEN next_status = 'closed' THEN in_outcome END
            WHERE shop_id = in_shop AND id = in_case;
        IF next_status = 'closed' THEN
            UPDATE orders_unit AS unit SET frozen_minor = 0 FROM cases_unit AS argued
                WHERE argued.shop_id = in_shop AND argued.case_id = in_case AND argued.open AND unit.shop_id = in_shop
                  AND unit.order_id = argued.order_id AND unit.position = argued.position AND unit.frozen_minor > 0;
            UPDATE cases_unit SET open = false WHERE shop_id = in_shop AND case_id = in_case;
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION add_case_evidence(in_shop bigint, in_case bigint, in_at timestamptz, in_item jsonb) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO cases_evidence (shop_id, case_id, kind, by_side, person_id, at, text, sha256)
        VALUES (in_shop, in_case, in_item ->> 'kind', in_item ->> 'by_side', (in_item ->> 'person_id')::bigint, in_at, in_item ->> 'text',
                sha256(convert_to(in_item ->> 'text', 'UTF8')));
$$;

-- Take an open case one step further, as flows/steps/case_step.py describes it: what was said, offered, proved, ruled and decided, and
-- where the case goes. One event says what happened. What is absent is not touched.
CREATE OR REPLACE FUNCTION step_case(in_shop bigint, in_order bigint, in_at timestamptz, in_actor text, in_step jsonb) RETURNS void
LANGUAGE plpgsql AS
$$
DECLARE
    argued cases_case;
    part jsonb;
    proofs jsonb := '[]'::jsonb;
    seals jsonb := '[]'::jsonb;
BEGIN
    UPDATE cases_case SET
            merchant_answer = coalesce(in_step ->> 'merchant_answer', merchant_answer),
            merchant_answered_at = CASE WHEN in_step ? 'merchant_answer' THEN in_at ELSE merchant_answered_at END,
            refund_minor = coalesce((in_step ->> 'refund_minor')::bigint, refund_minor),
            ask_minor = coalesce((in_step ->> 'ask_minor')::bigint, ask_minor),
            offered_minor = CASE WHEN in_step ? 'offered_minor' THEN (in_step ->> 'offered_minor')::bigint ELSE offered_minor END,
            rounds = rounds + CASE WHEN in_step ? 'offer' THEN 1 ELSE 0 END,
            bargaining_until = coalesce((in_step ->> 'bargaining_until')::timestamptz, bargaining_until),
            platform_since = CASE WHEN in_step -> 'path' ? 'evidence' THEN coalesce(platform_since, in_at) ELSE platform_since END,
            fault = coalesce(in_step ->> 'fault', fault),
            compensation_minor = coalesce((in_step ->> 'compensation_minor')::bigint, compensation_minor),
            penalty_minor = coalesce((in_step ->> 'penalty_minor')::bigint, penalty_minor)
        WHERE shop_id = in_shop AND number = in_step ->> 'number' AND order_id = in_order AND closed_at IS NULL RETURNING * INTO argued;
    IF argued.id IS NULL THEN
        RAISE EXCEPTION 'the case is closed or is not of this order' USING ERRCODE = 'AN004';
    END IF;
    IF in_step ? 'answer' THEN
        part := in_step -> 'answer';
        INSERT INTO cases_answer (shop_id, case_id, at, by_side, person_id, what, code, text)
            VALUES (in_shop, argued.id, in_at, part ->> 'by_side', (part ->> 'person_id')::bigint, part ->> 'what', part ->> 'code',
                    coalesce(part ->> 'text', ''));
    END IF;
    IF in_step ? 'offer_ends' THEN
        UPDATE cases_offer SET status = in_step ->> 'offer_ends', ended_at = in_at
            WHERE shop_id = in_shop AND case_id = argued.id AND status = 'open';
    END IF;
    IF in_step ? 'offer' THEN
        part := in_step -> 'offer';
        INSERT INTO cases_offer (shop_id, case_id, by_side, person_id, refund_minor, replacement, text, made_at, expires_at, key_ids)
            VALUES (in_shop, argued.id, part ->> 'by_side', (part ->> 'person_id')::bigint, (part ->> 'refund_minor')::bigint,
                    (part ->> 'replacement')::boolean, coalesce(part ->> 'text', ''), in_at, (part ->> 'expires_at')::timestamptz,
                    ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(coalesce(part -> 'key_ids', '[]'::jsonb))));
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_step -> 'evidence', '[]'::jsonb)) LOOP
        PERFORM add_case_evidence(in_shop, argued.id, in_at, part);
    END LOOP;
    IF in_step ? 'ruling' THEN
        PERFORM add_ruling(in_shop, argued.id, in_at, in_step -> 'ruling');
    END IF;
    IF in_step ? 'approved_by' THEN
        UPDATE cases_ruling SET status = 'given', approved_by = (in_step ->> 'approved_by')::bigint, approved_at = in_at
            WHERE shop_id = in_shop AND case_id = argued.id AND status = 'proposed';
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_step -> 'receipts', '[]'::jsonb)) LOOP
        proofs := proofs || to_jsonb(add_receipt(in_shop, argued.id, in_at, part));
        seals := seals || to_jsonb((SELECT receipt_seal(argued.number, receipt) FROM cases_receipt AS receipt
            WHERE receipt.shop_id = in_shop AND receipt.case_id = argued.id ORDER BY receipt.sequence DESC LIMIT 1));
    END LOOP;
    PERFORM record_event(in_shop, in_order, in_at, in_actor, in_step ->> 'what', argued.positions, NULL, NULL,
        coalesce(in_step -> 'details', '{}'::jsonb) || jsonb_build_object('case', argued.number)
        || CASE WHEN in_step ? 'receipts' THEN jsonb_build_object('receipts', proofs, 'seals', seals) ELSE '{}'::jsonb END);
    PERFORM lead_case(in_shop, argued.id, in_at, in_step -> 'path', in_step ->> 'outcome');
END
$$;

-- Write a ruling down; a newer one of the same instance takes the place of one that was only proposed.
CREATE OR REPLACE FUNCTION add_ruling(in_shop bigint, in_case bigint, in_at timestamptz, in_ruling jsonb) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    UPDATE cases_ruling SET status = 'replaced' WHERE shop_id = in_shop AND case_id = in_case AND status = 'proposed';
    INSERT INTO cases_ruling (shop_id, case_id, instance, status, by_person, made_at, fault, remedy, refund_minor, reasons, text,
            compensation_minor, penalty_minor)
        VALUES (in_shop, in_case, (in_ruling ->> 'instance')::integer, in_ruling ->> 'status', (in_ruling ->> 'by_person')::bigint, in_at,
                in_ruling ->> 'fault', in_ruling ->> 'remedy', (in_ruling ->> 'refund_minor')::bigint,
                ARRAY(SELECT value FROM jsonb_array_elements_text(in_ruling -> 'reasons')), in_ruling ->> 'text',
                coalesce((in_ruling ->> 'compensation_minor')::bigint, 0), coalesce((in_ruling ->> 'penalty_minor')::bigint, 0));
END
$$;
