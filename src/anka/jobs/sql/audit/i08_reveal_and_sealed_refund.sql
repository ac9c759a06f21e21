-- I8. No history holds both an opening and a refund of the sealed item: seen in the order of events, not in the final state. A unit that
-- was opened is never recalled, and a unit whose money was given back is never opened afterwards.
SELECT format('unit %s-%s', touched.number, opened.position) AS place,
    format('opened by event %s and taken back sealed by event %s', opened.sequence, other.sequence) AS what
FROM touched JOIN LATERAL (
        SELECT event.sequence, unnest(event.positions) AS position FROM core_event AS event
        WHERE event.shop_id = touched.shop_id AND event.order_id = touched.id AND event.move = 'reveal') AS opened ON true
    JOIN core_event AS other ON other.shop_id = touched.shop_id AND other.order_id = touched.id AND opened.position = ANY (other.positions)
WHERE other.move = 'recall' OR (other.move IN ('void', 'rotate', 'release') AND other.sequence < opened.sequence)
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position), 'it was opened, yet stands as recalled or released'
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id
WHERE unit.revealed_at IS NOT NULL AND unit.stage IN ('recalled', 'released')
