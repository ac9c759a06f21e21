-- Carry out one decided change of a locked order: everything a flow wants to write, in one call, in the documented lock order.
-- flows/steps/change.py builds the JSON; what is absent is not touched. Reading it from top to bottom tells what a flow can do.
-- Every statement below finds its few rows by key whoever asks, so its plan is made once (force_generic_plan): left to itself PostgreSQL
-- plans many of them anew in every call, which is an eighth of the time of the whole. The other entry functions do the same.
CREATE OR REPLACE FUNCTION change_order(in_shop bigint, in_order bigint, in_at timestamptz, in_actor text, in_person bigint, in_change jsonb)
RETURNS void LANGUAGE plpgsql SET lock_timeout = '3s' SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
    part jsonb;
    request jsonb := in_change -> 'request';
    currency text := in_change ->> 'currency';
BEGIN
    -- First: only one payment of an order may set wallet money aside.
    IF in_change ? 'closed_payments' THEN
        UPDATE payments_payment SET status = 'closed' WHERE shop_id = in_shop AND order_id = in_order AND status IN ('created', 'pending')
            AND id = ANY (ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(in_change -> 'closed_payments')));
    END IF;
    IF in_change ? 'new_payment' THEN
        PERFORM begin_payment(in_shop, in_order, in_at, currency, in_change -> 'new_payment');
    END IF;
    IF in_change ? 'held' THEN
        PERFORM begin_payment(in_shop, in_order, in_at, currency, in_change -> 'held');
    END IF;
    IF in_change ? 'taken' THEN
        PERFORM take_payment(in_shop, in_order, in_at, in_change -> 'taken');
    END IF;
    IF in_change ? 'taken_hold' THEN
        PERFORM take_payment(in_shop, in_order, in_at, in_change -> 'taken_hold');
    END IF;
    IF in_change ? 'notice' THEN
        part := in_change -> 'notice';
        INSERT INTO payments_notice (channel, received_at, digest, verdict, reason, payment_number)
            VALUES (part ->> 'channel', (part ->> 'received_at')::timestamptz, decode(part ->> 'digest', 'hex'), 'taken', 'taken',
                    part ->> 'payment_number');
    END IF;
    IF in_change ? 'failed_payments' THEN
        UPDATE payments_payment SET status = 'failed' WHERE shop_id = in_shop AND order_id = in_order AND status IN ('created', 'pending')
            AND id = ANY (ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(in_change -> 'failed_payments')));
    END IF;
    IF in_change ? 'new_units' THEN
        part := in_change -> 'new_units';
        PERFORM add_units(in_shop, in_order, (part ->> 'product_id')::bigint, part ->> 'goods', in_at,
            ARRAY(SELECT value::integer FROM jsonb_array_elements_text(part -> 'positions')),
            ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(part -> 'amounts_minor')));
        PERFORM record_event(in_shop, in_order, in_at, in_actor, 'units_added',
            ARRAY(SELECT value::integer FROM jsonb_array_elements_text(part -> 'positions')), NULL, NULL, '{}'::jsonb);
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'cases', '[]'::jsonb)) LOOP
        PERFORM open_case(in_shop, in_order, in_at, in_actor, part);
    END LOOP;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'steps', '[]'::jsonb)) LOOP
        PERFORM step_case(in_shop, in_order, in_at, in_actor, part);
    END LOOP;
    IF in_change ? 'freed_keys' THEN
        PERFORM free_keys(in_shop, ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(in_change -> 'freed_keys')));
    END IF;
    IF in_change ? 'replacements' THEN
        PERFORM add_replacements(in_shop, in_order, in_at, in_change -> 'replacements');
    END IF;
    IF in_change ? 'handed_keys' THEN
        PERFORM hand_keys_to_units(in_shop, in_order, in_at, in_change -> 'handed_keys');
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'moves', '[]'::jsonb)) LOOP
        PERFORM move_units(in_shop, in_order, in_at, in_actor, in_person, part);
    END LOOP;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'money', '[]'::jsonb)) LOOP
        PERFORM move_unit_money(in_shop, in_order, in_at, part);
    END LOOP;
    IF in_change ? 'shares' THEN
        PERFORM share_units(in_shop, in_order, in_at, in_change -> 'shares');
    END IF;
    IF in_change ? 'order' THEN
        part := in_change -> 'order';
        UPDATE orders_order SET
                paid_minor = paid_minor + coalesce((part ->> 'paid_minor')::bigint, 0),
                refunded_minor = refunded_minor + coalesce((part ->> 'refunded_minor')::bigint, 0),
                released_minor = released_minor + coalesce((part ->> 'released_minor')::bigint, 0),
                paid_at = CASE WHEN (part ->> 'paid_minor')::bigint > 0 AND NOT part ? 'apart' THEN coalesce(paid_at, in_at) ELSE paid_at END
            WHERE shop_id = in_shop AND id = in_order;
    END IF;
    IF in_change ? 'closed_by' THEN
        UPDATE orders_order SET closed_by = in_change ->> 'closed_by', closed_at = in_at WHERE shop_id = in_shop AND id = in_order;
    ELSIF in_change ? 'reopened' THEN
        UPDATE orders_order SET closed_by = NULL, closed_at = NULL WHERE shop_id = in_shop AND id = in_order;
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'refunds', '[]'::jsonb)) LOOP
        PERFORM intend_refund(in_shop, in_order, currency, in_at, part);
    END LOOP;
    IF in_change ? 'journals' THEN
        PERFORM post_journals(in_at, currency, in_change -> 'journals');
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'events', '[]'::jsonb)) LOOP
        PERFORM record_event(in_shop, in_order, in_at, in_actor, part ->> 'what',
            ARRAY(SELECT value::integer FROM jsonb_array_elements_text(coalesce(part -> 'positions', '[]'::jsonb))), NULL, NULL, part -> 'details');
    END LOOP;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'clocks', '[]'::jsonb)) LOOP
        IF part ? 'due_at' THEN
            PERFORM start_clock(in_shop, in_order, (part ->> 'position')::integer, part ->> 'kind', in_at, (part ->> 'due_at')::timestamptz);
        ELSIF part ->> 'ends_as' = 'paused' THEN
            PERFORM pause_clocks(in_shop, in_order, (part ->> 'position')::integer, part ->> 'kind', in_at);
        ELSIF part ->> 'ends_as' = 'resumed' THEN
            PERFORM resume_clocks(in_shop, in_order, (part ->> 'position')::integer, part ->> 'kind', in_at);
        ELSE
            PERFORM end_clocks(in_shop, in_order, ARRAY[(part ->> 'position')::integer], ARRAY[part ->> 'kind'], in_at, part ->> 'ends_as');
        END IF;
    END LOOP;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'work', '[]'::jsonb)) LOOP
        PERFORM ask_for_work(in_shop, part ->> 'topic', part ->> 'subject', in_at, coalesce((part ->> 'due_at')::timestamptz, in_at));
    END LOOP;
    FOR part IN SELECT value FROM jsonb_array_elements(coalesce(in_change -> 'notices', '[]'::jsonb)) LOOP
        PERFORM tell(in_shop, in_order, part ->> 'case_number', part ->> 'audience', part ->> 'kind',
            coalesce(part -> 'details', '{}'::jsonb), in_at);
    END LOOP;
    IF request IS NOT NULL THEN
        PERFORM remember_request(request ->> 'caller', request ->> 'key', decode(request ->> 'fingerprint', 'hex'),
            request ->> 'reference', (request ->> 'made_at')::timestamptz);
    END IF;
END
$$;

-- Carry out many decided changes of locked orders in one call: what a sweep decided about a batch.
CREATE OR REPLACE FUNCTION change_orders(in_at timestamptz, in_actor text, in_changes jsonb) RETURNS void LANGUAGE plpgsql
SET lock_timeout = '3s' SET plan_cache_mode = force_generic_plan AS
$$
DECLARE one jsonb;
BEGIN
    FOR one IN SELECT value FROM jsonb_array_elements(in_changes) LOOP
        PERFORM change_order((one ->> 'shop_id')::bigint, (one ->> 'order_id')::bigint, in_at, in_actor, 0, one -> 'change');
    END LOOP;
END
$$;
