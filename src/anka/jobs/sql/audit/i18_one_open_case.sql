-- I18. At most one case argues about a unit at any time, and a case is open for its units exactly as long as it is not closed. An offer is
-- open in an open case only; an accepted one closed its case by what it offered. Every case has a receipt of how it was judged.
SELECT format('unit %s-%s', touched.number, argued.position) AS place, format('%s cases are open about it', count(*)) AS what
FROM touched JOIN cases_unit AS argued ON argued.shop_id = touched.shop_id AND argued.order_id = touched.id
WHERE argued.open GROUP BY touched.number, argued.shop_id, argued.order_id, argued.position HAVING count(*) > 1
UNION ALL
SELECT format('case %s', dispute.number), format('it is %s, but not so for unit %s', dispute.status, argued.position)
FROM touched JOIN cases_unit AS argued ON argued.shop_id = touched.shop_id AND argued.order_id = touched.id
    JOIN cases_case AS dispute ON dispute.shop_id = argued.shop_id AND dispute.id = argued.case_id
WHERE argued.open = (dispute.status = 'closed')
UNION ALL
SELECT format('case %s', dispute.number), format('it is %s (%s), and has an offer that is %s', dispute.status, dispute.outcome, offer.status)
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id
    JOIN cases_offer AS offer ON offer.shop_id = dispute.shop_id AND offer.case_id = dispute.id
WHERE (offer.status = 'open' AND dispute.status = 'closed')
    OR (offer.status = 'accepted' AND NOT CASE WHEN offer.replacement THEN coalesce(dispute.outcome, '') = 'replaced'
        ELSE coalesce(dispute.outcome, '') IN ('refunded', 'partial') AND dispute.refund_minor = offer.refund_minor END)
UNION ALL
SELECT format('case %s', dispute.number), 'it was never judged'
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id
WHERE NOT EXISTS (SELECT FROM cases_receipt AS receipt WHERE receipt.shop_id = dispute.shop_id AND receipt.case_id = dispute.id)
