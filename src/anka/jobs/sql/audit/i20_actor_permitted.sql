-- I20. Each event's actor may do such a thing: a buyer only on an order of their own, a merchant only in a shop they work for, a channel
-- only what concerns money, and nobody but the buyer opens the goods.
SELECT format('event %s of order %s', event.sequence, touched.number) AS place,
    format('%s was not allowed to do %s', event.actor, event.what) AS what
FROM touched JOIN core_event AS event ON event.shop_id = touched.shop_id AND event.order_id = touched.id
    JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id
WHERE CASE split_part(event.actor, ':', 1)
    WHEN 'buyer' THEN event.actor <> format('buyer:%s', o.buyer_id)
    WHEN 'merchant' THEN event.move = 'reveal' OR NOT EXISTS (
        SELECT FROM accounts_membership AS works
        WHERE works.shop_id = event.shop_id AND event.actor = format('merchant:%s', works.person_id))
    WHEN 'platform' THEN event.move = 'reveal' OR NOT EXISTS (
        SELECT FROM accounts_staffrole AS works WHERE event.actor = format('platform:%s', works.person_id))
    WHEN 'gateway' THEN event.move IS NOT NULL AND event.move <> 'pay'
    WHEN 'system' THEN event.move = 'reveal'
    WHEN 'operator' THEN event.move = 'reveal'
    ELSE true END
