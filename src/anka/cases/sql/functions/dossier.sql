-- What stands beside an order: its refunds with their legs and attempts, its cases, its newest events. Read after, and apart from,
-- order_state(), which is what flows decide on; this is what people are shown. Locks nothing.
CREATE OR REPLACE FUNCTION order_dossier(in_shop bigint, in_order bigint) RETURNS text LANGUAGE sql STABLE AS
$$
    SELECT json_build_object(
        'refunds', (SELECT coalesce(json_agg(json_build_object('number', refund.number, 'cause', refund.cause, 'case_number', refund.case_number,
                'amount_minor', refund.amount_minor, 'currency', refund.currency, 'status', refund.status,
                'intended_at', refund.intended_at, 'ended_at', refund.ended_at,
                'positions', (SELECT coalesce(json_agg(repaid.position ORDER BY repaid.position), '[]') FROM payments_refund_unit AS repaid
                    WHERE repaid.shop_id = refund.shop_id AND repaid.refund_id = refund.id),
                'legs', (SELECT coalesce(json_agg(json_build_object('leg', leg.leg, 'channel', leg.channel, 'amount_minor', leg.amount_minor,
                        'status', leg.status, 'arrives_by', leg.arrives_by, 'ended_at', leg.ended_at,
                        'stuck', (SELECT json_build_object('reason', stuck.reason, 'since', stuck.since, 'due_at', stuck.due_at,
                                'has_owner', stuck.owner IS NOT NULL) FROM payments_stuck AS stuck WHERE stuck.shop_id = leg.shop_id
                            AND stuck.refund_id = leg.refund_id AND stuck.leg = leg.leg AND stuck.ended_at IS NULL),
                        'attempts', (SELECT coalesce(json_agg(json_build_object('number', attempt.number, 'status', attempt.status,
                                'channel', attempt.channel, 'created_at', attempt.created_at, 'submitted_at', attempt.submitted_at, 'ended_at', attempt.ended_at,
                                'channel_number', attempt.channel_number) ORDER BY attempt.id), '[]')
                            FROM payments_attempt AS attempt WHERE attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id
                                AND attempt.leg = leg.leg)) ORDER BY leg.leg), '[]')
                    FROM payments_leg AS leg WHERE leg.shop_id = refund.shop_id AND leg.refund_id = refund.id)) ORDER BY refund.id), '[]')
            FROM payments_refund AS refund WHERE refund.shop_id = in_shop AND refund.order_id = in_order),
        -- What ended in the moment it began, and not by anybody's answer, has neither offers nor answers: most cancellations, and not
        -- worth looking for.
        'cases', (SELECT coalesce(json_agg(CASE WHEN argued.closed_at = argued.opened_at AND argued.outcome <> 'withdrawn'
                AND argued.rounds = 0 AND argued.merchant_answer = 'none' AND argued.platform_since IS NULL AND NOT argued.keys_void
                THEN json_build_object('id', argued.id,
                'number', argued.number, 'order_id', argued.order_id, 'kind', argued.kind, 'status', argued.status,
                'asker', argued.asker, 'reason', argued.reason, 'statement', argued.statement, 'positions', argued.positions,
                'refund_minor', argued.refund_minor, 'opened_at', argued.opened_at, 'closed_at', argued.closed_at, 'outcome', argued.outcome,
                'ask_minor', argued.ask_minor, 'ask_replacement', argued.ask_replacement, 'offered_minor', argued.offered_minor,
                'refund_to', argued.refund_to, 'fault', argued.fault,
                'evidence', (SELECT coalesce(json_agg(json_build_object('id', item.id, 'kind', item.kind, 'by_side', item.by_side,
                        'at', item.at, 'text', item.text, 'sha256', encode(item.sha256, 'hex')) ORDER BY item.id), '[]')
                    FROM cases_evidence AS item WHERE item.shop_id = argued.shop_id AND item.case_id = argued.id),
                'receipts', (
                    SELECT coalesce(json_agg(json_build_object('sequence', receipt.sequence, 'decided_at', receipt.decided_at,
                        'policy_version', receipt.policy_version, 'rule', receipt.rule, 'because_zh', receipt.because_zh,
                        'because_en', receipt.because_en, 'facts', convert_from(receipt.facts, 'UTF8'),
                        'decision', convert_from(receipt.decision, 'UTF8'), 'hash', encode(receipt.hash, 'hex')) ORDER BY receipt.sequence), '[]')
                    FROM cases_receipt AS receipt WHERE receipt.shop_id = argued.shop_id AND receipt.case_id = argued.id))
                ELSE case_state(argued.shop_id, argued.id)::json END ORDER BY argued.id), '[]')
            FROM cases_case AS argued WHERE argued.shop_id = in_shop AND argued.order_id = in_order),
        'timeline', (SELECT coalesce(json_agg(json_build_object('sequence', newest.sequence, 'at', newest.at, 'actor', newest.actor,
                'what', newest.what, 'positions', newest.positions, 'details', convert_from(newest.body, 'UTF8')::jsonb -> 'details',
                'proof', encode(newest.hash, 'hex')) ORDER BY newest.sequence), '[]')
            FROM (SELECT * FROM core_event WHERE shop_id = in_shop AND order_id = in_order ORDER BY sequence DESC LIMIT 200) AS newest))::text;
$$;

-- An order and what stands beside it, in one round trip: what an answer to a reader needs. Locks nothing.
CREATE OR REPLACE FUNCTION read_order_with_dossier(in_number text, in_person bigint, in_token bigint, in_real_now timestamptz)
RETURNS TABLE (state text, dossier text) LANGUAGE sql STABLE AS
$$
    SELECT order_state(shop_id, id, in_person, in_token, in_real_now, NULL), order_dossier(shop_id, id) FROM orders_order
        WHERE shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(in_number, '-', 1)) AND number = in_number;
$$;
