-- I18. At most one case argues about a unit at any time, and a case is open for its units exactly as long as it is not closed.
SELECT format('unit %s-%s', touched.number, argued.position) AS place, format('%s cases are open about it', count(*)) AS what
FROM touched JOIN cases_unit AS argued ON argued.shop_id = touched.shop_id AND argued.order_id = touched.id
WHERE argued.open GROUP BY touched.number, argued.shop_id, argued.order_id, argued.position HAVING count(*) > 1
UNION ALL
SELECT format('case %s', dispute.number), format('it is %s, but not so for unit %s', dispute.status, argued.position)
FROM touched JOIN cases_unit AS argued ON argued.shop_id = touched.shop_id AND argued.order_id = touched.id
    JOIN cases_case AS dispute ON dispute.shop_id = argued.shop_id AND dispute.id = argued.case_id
WHERE argued.open = (dispute.status = 'closed')
