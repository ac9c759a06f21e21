-- A market's history out of the temporary table `made`, for a database that is thrown away: orders, units, cases, receipts.
INSERT INTO orders_order (shop_id, id, number, buyer_id, product_id, terms_version, quantity, amount_minor, currency,
        commission_basis_points, notice, policy_version, snapshot, placed_at, hold_until)
    OVERRIDING SYSTEM VALUE
    SELECT 1, place, 'BENCH-' || place, 1, 1, 1, 1, (%(prices)s::bigint[])[1 + place %% 5], 'CNY', 500, 'none', %(version)s, '',
           %(until)s::timestamptz - interval '40 days', %(until)s::timestamptz - interval '39 days'
    FROM made WHERE sequence = 1;
INSERT INTO orders_unit (shop_id, order_id, position, goods, amount_minor, since)
    SELECT 1, place, 1, convert_from(facts, 'UTF8')::jsonb -> 0 -> 'facts' ->> 'goods', (%(prices)s::bigint[])[1 + place %% 5],
           %(until)s::timestamptz - interval '40 days'
    FROM made WHERE sequence = 1;
INSERT INTO cases_case (shop_id, id, number, order_id, kind, status, asker, reason, positions, refund_minor, opened_at)
    OVERRIDING SYSTEM VALUE
    SELECT 1, place, 'BENCH-C' || place, place, 'after_sale', 'open', 'buyer', 'OTHER', '{1}', 0, %(until)s
    FROM made WHERE sequence = 1;
INSERT INTO cases_receipt (shop_id, case_id, sequence, decided_at, policy_version, rule, facts, decision, because_zh, because_en, hash)
    SELECT 1, place, sequence, %(until)s::timestamptz - interval '1 second' * (1 + place * 20 %% 2500000), %(version)s, 'made', facts,
           decision, '', '', sha256(facts || decision)
    FROM made;
