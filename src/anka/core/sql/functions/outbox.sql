-- Ask for work after the commit. Asking again for what is still open brings it forward at most.
CREATE OR REPLACE FUNCTION ask_for_work(in_shop bigint, in_topic text, in_subject text, in_at timestamptz, in_due timestamptz)
RETURNS void LANGUAGE sql AS
$$
    INSERT INTO core_outbox (shop_id, topic, subject, asked_at, due_at) VALUES (in_shop, in_topic, in_subject, in_at, in_due)
        ON CONFLICT (shop_id, topic, subject) WHERE done_at IS NULL
        DO UPDATE SET due_at = least(core_outbox.due_at, excluded.due_at);
$$;

-- Lease what is due. Another worker takes it over when the lease ends without an answer; every handler may run twice.
CREATE OR REPLACE FUNCTION lease_work(in_topics text[], in_now timestamptz, in_lease interval, in_limit integer)
RETURNS TABLE (shop_id bigint, id bigint, topic text, subject text, tries integer, asked_at timestamptz) LANGUAGE sql AS
$$
    UPDATE core_outbox AS work SET leased_until = in_now + in_lease, tries = work.tries + 1
        FROM (SELECT due.shop_id, due.id FROM core_outbox AS due
              WHERE due.done_at IS NULL AND due.due_at <= in_now AND due.topic = ANY (in_topics)
                AND (due.leased_until IS NULL OR due.leased_until <= in_now)
              ORDER BY due.due_at LIMIT in_limit FOR UPDATE SKIP LOCKED) AS picked
        WHERE work.shop_id = picked.shop_id AND work.id = picked.id
        RETURNING work.shop_id, work.id, work.topic, work.subject, work.tries, work.asked_at;
$$;
