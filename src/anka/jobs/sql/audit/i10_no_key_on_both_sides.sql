-- I10. A unit that was given back holds no key, a key that can be sold has no unit, and a key that is taken has one.
SELECT format('unit %s-%s', touched.number, unit.position) AS place,
    format('it is %s and still holds key %s', unit.stage, unit.key_id) AS what
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id
WHERE unit.stage IN ('released', 'recalled', 'voided', 'replaced') AND unit.key_id IS NOT NULL
UNION ALL
SELECT format('key %s of shop %s', stock.id, stock.shop_id), 'it is for sale, yet a unit holds it or it is still allocated'
FROM vault_key AS stock
WHERE stock.status = 'available'
    AND (EXISTS (SELECT FROM orders_unit AS unit WHERE unit.shop_id = stock.shop_id AND unit.key_id = stock.id)
         OR EXISTS (SELECT FROM vault_allocation AS allocation WHERE allocation.shop_id = stock.shop_id AND allocation.key_id = stock.id
                    AND allocation.ended_at IS NULL))
UNION ALL
SELECT format('key %s of shop %s', stock.id, stock.shop_id), format('it is %s, yet no unit holds it', stock.status)
FROM vault_key AS stock
WHERE stock.status IN ('reserved', 'sealed', 'revealed')
    AND NOT EXISTS (SELECT FROM orders_unit AS unit WHERE unit.shop_id = stock.shop_id AND unit.key_id = stock.id)
    -- A replacement that is on offer has its keys set aside.
    AND NOT (stock.status = 'reserved' AND EXISTS (SELECT FROM cases_offer AS offer WHERE offer.shop_id = stock.shop_id
             AND offer.status = 'open' AND stock.id = ANY (offer.key_ids)))
UNION ALL
SELECT format('key %s of shop %s', kept.key_id, offer.shop_id), format('it is set aside for an offer, and is %s', stock.status)
FROM cases_offer AS offer, unnest(offer.key_ids) AS kept (key_id)
    JOIN vault_key AS stock ON stock.id = kept.key_id
WHERE stock.shop_id = offer.shop_id AND offer.status = 'open' AND stock.status <> 'reserved'
