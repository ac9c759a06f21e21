-- Every step on a shop's funds stands in a chain of hashed events, as those of an order do: the chain of order 0 of its shop. No order has
-- that number. Checkpoints cover it with all the others.
DO $$
DECLARE
    step record;
BEGIN
    FOR step IN SELECT * FROM funds_step ORDER BY shop_id, id LOOP
        PERFORM record_event(step.shop_id, 0, step.at, step.actor, step.what, ARRAY[]::integer[], NULL, NULL,
            step.details || jsonb_build_object('number', step.number));
    END LOOP;
END
$$;
DROP TABLE funds_step;
-- The steps as they are read. With the reader's own rights: a view must not be a way around what history allows.
CREATE VIEW funds_step WITH (security_invoker = true) AS
    SELECT event.shop_id, event.sequence AS id, event.at, event.actor, event.what, said.details ->> 'number' AS number,
        said.details - 'number' AS details, event.transaction_id
    FROM core_event AS event, LATERAL (SELECT convert_from(event.body, 'UTF8')::jsonb -> 'details' AS details) AS said
    WHERE event.order_id = 0 AND event.shop_id > 0;

-- Who bears what a channel keeps of a payment that is refunded: the platform, or the merchant where the merchant is at fault; then by this
-- rate, in hundredths of a percent, of what goes back through channels.
ALTER TABLE funds_terms
    ADD COLUMN fee_bearer text NOT NULL DEFAULT 'platform' CHECK (fee_bearer IN ('platform', 'merchant')),
    ADD COLUMN fee_basis_points integer NOT NULL DEFAULT 60 CHECK (fee_basis_points BETWEEN 0 AND 200);
