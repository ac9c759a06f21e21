-- I20. Each event's actor may do such a thing: a buyer only on an order of their own, a merchant only in a shop they work for, a channel
-- only what concerns money, and nobody but the buyer opens the goods. A ruling above 500.00 has two people, an appeal is decided by others
-- than the first ruling, and nobody tries a key more than five times a day.
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
UNION ALL
SELECT format('case %s', dispute.number), format('a ruling of %s was given by person %s alone',
    ruling.refund_minor + ruling.compensation_minor + ruling.penalty_minor, ruling.by_person)
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id
    JOIN cases_ruling AS ruling ON ruling.shop_id = dispute.shop_id AND ruling.case_id = dispute.id
-- Person 0 is the clock of the law; the limit is the domain's FOUR_EYES_ABOVE_MINOR.
WHERE ruling.status = 'given' AND ruling.by_person <> 0 AND ruling.refund_minor + ruling.compensation_minor + ruling.penalty_minor > 50000
    AND (ruling.approved_by IS NULL OR ruling.approved_by = ruling.by_person)
UNION ALL
SELECT format('case %s', dispute.number), format('person %s decided both the case and the appeal against it', first.by_person)
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id
    JOIN cases_ruling AS first ON first.shop_id = dispute.shop_id AND first.case_id = dispute.id AND first.instance = 1
        AND first.status = 'given' AND first.by_person <> 0
    JOIN cases_ruling AS last ON last.shop_id = dispute.shop_id AND last.case_id = dispute.id AND last.instance = 2 AND last.status = 'given'
WHERE last.by_person IN (first.by_person, first.approved_by) OR last.approved_by IN (first.by_person, first.approved_by)
UNION ALL
SELECT format('unit %s-%s', touched.number, tried.position), format('its key was tried %s times on %s', count(*), tried.day)
FROM touched JOIN vault_key_check AS tried ON tried.shop_id = touched.shop_id AND tried.order_id = touched.id
GROUP BY touched.number, tried.position, tried.day HAVING count(*) > 5
UNION ALL
-- What is done with a shop's funds: by its people, by the platform's, by a channel that took a deposit, by the operator who sets terms.
SELECT format('step %s on the funds of shop %s', step.id, step.shop_id), format('%s was not allowed to do %s', step.actor, step.what)
FROM touched_funds JOIN funds_step AS step ON step.shop_id = touched_funds.id
WHERE CASE split_part(step.actor, ':', 1)
    WHEN 'merchant' THEN step.what NOT IN ('withdrawal_asked', 'deposit_from_balance', 'deposit_released') OR NOT EXISTS (
        SELECT FROM accounts_membership AS works
        WHERE works.shop_id = step.shop_id AND step.actor = format('merchant:%s', works.person_id))
    WHEN 'platform' THEN step.what IN ('withdrawal_asked', 'deposit_from_balance', 'deposit_released', 'deposit_paid_in') OR NOT EXISTS (
        SELECT FROM accounts_staffrole AS works WHERE step.actor = format('platform:%s', works.person_id))
    WHEN 'gateway' THEN step.what <> 'deposit_paid_in'
    WHEN 'operator' THEN step.what <> 'terms_set'
    ELSE true END
