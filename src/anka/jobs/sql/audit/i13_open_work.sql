-- I13. Whatever a channel has not finally answered has an open job that will ask again. A leg that goes no further by itself stands in the
-- queue of stuck refunds, with a clock, and so does every attempt that only a person can finish; so has every message about money that was not believed by itself, until the channel has answered; paid goods that deliver themselves
-- have an open job too, and so does every open payment into a wallet or deposit, for when its time is over.
SELECT format('refund attempt %s', attempt.number) AS place, format('it is %s, and nobody will ask again', attempt.status) AS what
FROM payments_refund AS refund
    JOIN payments_attempt AS attempt ON attempt.shop_id = refund.shop_id AND attempt.refund_id = refund.id
WHERE (refund.order_id IS NULL OR (refund.shop_id, refund.order_id) IN (SELECT shop_id, id FROM touched))
    AND attempt.status NOT IN ('succeeded', 'closed', 'failed', 'reversed', 'manual')
    AND NOT (attempt.status = 'abnormal' AND EXISTS (SELECT FROM payments_leg AS leg WHERE leg.shop_id = attempt.shop_id
             AND leg.refund_id = attempt.refund_id AND leg.leg = attempt.leg AND leg.status = 'stuck'))
    AND NOT EXISTS (
    SELECT FROM core_outbox AS work WHERE work.shop_id = attempt.shop_id AND work.subject = attempt.number AND work.done_at IS NULL)
UNION ALL
SELECT format('refund %s leg %s', refund.number, leg.leg), format('it is %s, its attempt %s, and nobody is to look after it',
    leg.status, newest.status)
FROM payments_refund AS refund
    JOIN payments_leg AS leg ON leg.shop_id = refund.shop_id AND leg.refund_id = refund.id,
    LATERAL (SELECT attempt.status FROM payments_attempt AS attempt WHERE attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id
             AND attempt.leg = leg.leg ORDER BY attempt.id DESC LIMIT 1) AS newest
WHERE (refund.order_id IS NULL OR (refund.shop_id, refund.order_id) IN (SELECT shop_id, id FROM touched))
    AND (leg.status = 'stuck' OR newest.status = 'manual')
    AND NOT EXISTS (SELECT FROM payments_stuck AS stuck WHERE stuck.shop_id = leg.shop_id AND stuck.refund_id = leg.refund_id
                    AND stuck.leg = leg.leg AND stuck.ended_at IS NULL)
UNION ALL
SELECT format('order %s', touched.number), 'it is paid and delivers itself, and nobody will deliver it'
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id
    JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
WHERE product.delivery = 'auto'
    AND EXISTS (SELECT FROM orders_unit AS unit WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.stage = 'queued')
    AND NOT EXISTS (SELECT FROM core_outbox AS work WHERE work.shop_id = o.shop_id AND work.topic = 'deliver' AND work.subject = o.number
                    AND work.done_at IS NULL)
UNION ALL
SELECT format('payment %s at %s', question.payment_number, question.channel), 'a message spoke of its money, and nobody asks the channel'
FROM payments_question AS question
WHERE question.answered_at IS NULL AND NOT EXISTS (
    SELECT FROM core_outbox AS work WHERE work.shop_id = 0 AND work.topic = 'question' AND work.done_at IS NULL
        AND starts_with(work.subject, format('%s:%s:', question.channel, question.payment_number)))
UNION ALL
SELECT format('payment %s at %s', notice.payment_number, notice.channel), 'a message spoke of its money, and its channel was never asked'
FROM payments_notice AS notice
WHERE notice.verdict = 'refused' AND notice.reason IN ('amount_differs', 'payment_unknown')
    AND NOT EXISTS (SELECT FROM payments_question AS question
                    WHERE question.channel = notice.channel AND question.payment_number = notice.payment_number)
UNION ALL
SELECT format('payment %s', payment.number), format('it may still fill a %s, and nobody will look when its time is over', payment.purpose)
FROM payments_payment AS payment
WHERE payment.purpose <> 'order' AND payment.status IN ('created', 'pending') AND NOT EXISTS (
    SELECT FROM core_outbox AS work WHERE work.shop_id = payment.shop_id AND work.topic = 'top_up' AND work.subject = payment.number
        AND work.done_at IS NULL)
