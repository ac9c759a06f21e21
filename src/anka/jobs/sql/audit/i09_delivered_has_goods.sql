-- I9. What was opened, delivered or settled has its goods: a card key, in the status its unit has reached. Only what a partial refund has
-- left over belongs to the merchant without them. A replaced unit has exactly one successor, worth what was left; no other unit has one.
SELECT format('unit %s-%s', touched.number, unit.position) AS place,
    format('stage %s, money %s, key %s', unit.stage, unit.money, coalesce(stock.status, 'none')) AS what
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id
    LEFT JOIN vault_key AS stock ON stock.shop_id = unit.shop_id AND stock.id = unit.key_id
WHERE unit.goods = 'card_key' AND (
    (unit.stage IN ('sealed', 'revealed', 'used')
        AND stock.status IS DISTINCT FROM CASE unit.stage WHEN 'sealed' THEN 'sealed' ELSE 'revealed' END)
    -- What is left of a unit that was refunded in part belongs to the merchant, though its goods were taken back, or never came.
    OR (unit.money IN ('released', 'settled') AND unit.stage NOT IN ('sealed', 'revealed', 'used', 'closed_out')
        AND NOT (unit.stage IN ('voided', 'recalled', 'released') AND unit.refunded_minor > 0)))
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position),
    format('it is %s, %s left of it, and has %s successors worth %s', unit.stage, unit.amount_minor - unit.refunded_minor, next.times, next.worth)
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id,
    LATERAL (SELECT count(*) AS times, coalesce(sum(successor.amount_minor), 0) AS worth FROM orders_unit AS successor
             WHERE successor.shop_id = unit.shop_id AND successor.order_id = unit.order_id AND successor.replaces = unit.position) AS next
WHERE CASE WHEN unit.stage = 'replaced' THEN next.times <> 1 OR next.worth <> unit.amount_minor - unit.refunded_minor ELSE next.times > 0 END
