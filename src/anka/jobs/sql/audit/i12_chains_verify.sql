-- I12. The chain of every order, of every draft of the rules, and of every shop's funds verifies: no gap, each hash is that of the link
-- before it and the body, and the columns say what the hashed body says. (Checkpoints are verified beside this, see checkpoints.py: a chain alone cannot see a truncated tail.)
SELECT format('event %s of %s', event.sequence, event.name) AS place,
    CASE WHEN event.sequence <> event.place THEN 'an event before it is missing'
         WHEN event.hash <> sha256(event.previous || event.body) THEN 'its hash does not follow from the event before and its body'
         ELSE 'its columns say something else than the body that was hashed' END AS what
FROM (SELECT chained.name, event.*, convert_from(event.body, 'UTF8')::jsonb AS said,
        row_number() OVER chain AS place,
        coalesce(lag(event.hash) OVER chain, decode(repeat('00', 32), 'hex')) AS previous
      FROM (SELECT shop_id, id, format('order %s', number) AS name FROM touched
            UNION ALL SELECT 0, id, format('draft %s', number) FROM policies_draft
            UNION ALL SELECT shop.id, 0, format('the funds of shop %s', shop.code)
                FROM touched_funds JOIN accounts_shop AS shop ON shop.id = touched_funds.id) AS chained
        JOIN core_event AS event ON event.shop_id = chained.shop_id AND event.order_id = chained.id
      WINDOW chain AS (PARTITION BY event.shop_id, event.order_id ORDER BY event.sequence)) AS event
WHERE event.sequence <> event.place OR event.hash <> sha256(event.previous || event.body)
    OR event.said -> 'shop' <> to_jsonb(event.shop_id) OR event.said -> 'order' <> to_jsonb(event.order_id)
    OR event.said -> 'sequence' <> to_jsonb(event.sequence) OR event.said ->> 'actor' <> event.actor OR event.said ->> 'what' <> event.what
    OR event.said -> 'positions' <> to_jsonb(event.positions) OR event.said ->> 'move' IS DISTINCT FROM event.move
    OR event.said ->> 'stage' IS DISTINCT FROM event.stage OR (event.said ->> 'at')::timestamptz <> event.at
