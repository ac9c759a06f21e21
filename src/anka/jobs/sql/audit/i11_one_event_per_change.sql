-- I11. Every change of a unit's stage has exactly one event: read in order, the events of a unit are a path through the table of moves
-- that begins at reserved, and the last one leads to where the row stands. Every order begins with its placing.
SELECT format('unit %s-%s', touched.number, step.position) AS place,
    format('event %s moves it by %s from %s to %s, which the table of moves does not have',
        step.sequence, step.move, step.before, step.stage) AS what
FROM touched JOIN LATERAL (
        SELECT event.sequence, position, event.move, event.stage,
            coalesce(lag(event.stage) OVER (PARTITION BY position ORDER BY event.sequence), 'reserved') AS before
        FROM core_event AS event, unnest(event.positions) AS position
        WHERE event.shop_id = touched.shop_id AND event.order_id = touched.id AND event.move IS NOT NULL) AS step ON true
    JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id AND unit.position = step.position
WHERE NOT EXISTS (SELECT FROM orders_move AS allowed WHERE allowed.goods = unit.goods AND allowed.from_stage = step.before
                  AND allowed.move = step.move AND allowed.to_stage = step.stage)
UNION ALL
SELECT format('unit %s-%s', touched.number, unit.position),
    format('it is %s, its last event says %s', unit.stage, coalesce(last.stage, 'reserved'))
FROM touched JOIN orders_unit AS unit ON unit.shop_id = touched.shop_id AND unit.order_id = touched.id
    LEFT JOIN LATERAL (SELECT event.stage FROM core_event AS event
        WHERE event.shop_id = unit.shop_id AND event.order_id = unit.order_id AND event.move IS NOT NULL
            AND unit.position = ANY (event.positions)
        ORDER BY event.sequence DESC LIMIT 1) AS last ON true
WHERE unit.stage <> coalesce(last.stage, 'reserved')
UNION ALL
SELECT format('order %s', touched.number), 'its first event is not its placing'
FROM touched WHERE NOT EXISTS (SELECT FROM core_event AS event WHERE event.shop_id = touched.shop_id AND event.order_id = touched.id
                               AND event.sequence = 1 AND event.what = 'order_placed')
