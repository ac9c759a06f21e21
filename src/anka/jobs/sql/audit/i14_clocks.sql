-- I14. A case that waits for somebody has exactly one running or paused turn clock, the one its status names; an open case argues about
-- units it froze, a closed one about none; an unpaid open order has exactly one hold clock, and an order that was paid or closed has none.
SELECT format('case %s', argued.number) AS place, format('it is %s and has %s turn clocks', argued.status, count(clock.id)) AS what
FROM touched JOIN cases_case AS argued ON argued.shop_id = touched.shop_id AND argued.order_id = touched.id
    LEFT JOIN core_clock AS clock ON clock.shop_id = argued.shop_id AND clock.order_id = argued.order_id
        AND clock.position = (SELECT min(position) FROM unnest(argued.positions) AS position) AND clock.state IN ('running', 'paused')
        AND clock.kind = CASE argued.status WHEN 'merchant_turn' THEN 'answer' WHEN 'buyer_turn' THEN 'offer' WHEN 'refused' THEN 'escalate'
            WHEN 'evidence' THEN 'look' WHEN 'review' THEN 'rule' WHEN 'appeal' THEN 'rule' WHEN 'decided' THEN 'appeal' END
WHERE argued.status IN ('merchant_turn', 'buyer_turn', 'refused', 'evidence', 'review', 'decided', 'appeal')
GROUP BY argued.shop_id, argued.id, argued.number, argued.status HAVING count(clock.id) <> 1
UNION ALL
SELECT format('unit %s-%s', touched.number, clock.position), format('%s clock of a case runs, and no case is open on it', clock.kind)
FROM touched JOIN core_clock AS clock ON clock.shop_id = touched.shop_id AND clock.order_id = touched.id
WHERE clock.state IN ('running', 'paused')
    AND clock.kind IN ('answer', 'offer', 'evidence', 'look', 'rule', 'escalate', 'appeal', 'ceiling', 'external_reply',
        'external_done')
    AND NOT EXISTS (SELECT FROM cases_unit AS argued WHERE argued.shop_id = clock.shop_id AND argued.order_id = clock.order_id
                    AND argued.position = clock.position AND argued.open)
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position), format('%s is frozen, and no case is open on it', unit.frozen_minor)
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id
WHERE unit.frozen_minor > 0 AND NOT EXISTS (SELECT FROM cases_unit AS argued WHERE argued.shop_id = unit.shop_id
    AND argued.order_id = unit.order_id AND argued.position = unit.position AND argued.open)
UNION ALL
SELECT format('order %s', touched.number), format('%s hold clocks run for it', holds.running)
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id,
    LATERAL (SELECT count(*) AS running FROM core_clock AS clock WHERE clock.shop_id = o.shop_id AND clock.order_id = o.id
             AND clock.kind = 'hold' AND clock.state IN ('running', 'paused')) AS holds
WHERE holds.running <> CASE WHEN o.paid_at IS NULL AND o.closed_at IS NULL THEN 1 ELSE 0 END
