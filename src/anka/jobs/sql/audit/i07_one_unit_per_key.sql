-- I7. A key belongs to at most one current unit and was revealed to at most one buyer; its allocation history says the same as the unit.
SELECT format('key %s of shop %s', unit.key_id, unit.shop_id) AS place, format('%s units hold it', count(*)) AS what
FROM orders_unit AS unit WHERE unit.key_id IS NOT NULL GROUP BY unit.shop_id, unit.key_id HAVING count(*) > 1
UNION ALL
SELECT format('key %s of shop %s', allocation.key_id, allocation.shop_id), format('it has %s current allocations', count(*))
FROM vault_allocation AS allocation WHERE allocation.ended_at IS NULL GROUP BY allocation.shop_id, allocation.key_id HAVING count(*) > 1
UNION ALL
SELECT format('key %s of shop %s', allocation.key_id, allocation.shop_id), format('%s units with this key were opened', count(*))
FROM vault_allocation AS allocation
    JOIN orders_unit AS unit ON unit.shop_id = allocation.shop_id AND unit.order_id = allocation.order_id
        AND unit.position = allocation.position
WHERE unit.revealed_at IS NOT NULL GROUP BY allocation.shop_id, allocation.key_id HAVING count(*) > 1
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position), format('it holds key %s, which was never allocated to it', unit.key_id)
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id
WHERE unit.key_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM vault_allocation AS allocation WHERE allocation.shop_id = unit.shop_id AND allocation.key_id = unit.key_id
        AND allocation.order_id = unit.order_id AND allocation.position = unit.position
        AND (allocation.ended_at IS NULL OR allocation.ended_as = 'voided'))
UNION ALL
SELECT format('unit %s-%s', touched.number, allocation.position),
    format('key %s is allocated to it, but it does not hold it', allocation.key_id)
FROM touched JOIN vault_allocation AS allocation ON allocation.shop_id = touched.shop_id AND allocation.order_id = touched.id
WHERE allocation.ended_at IS NULL AND NOT EXISTS (
    SELECT FROM orders_unit AS unit WHERE unit.shop_id = allocation.shop_id AND unit.order_id = allocation.order_id
        AND unit.position = allocation.position AND unit.key_id = allocation.key_id)
