-- Append one event to an order's chain. The caller holds the order's row lock; the primary key catches it if not.
-- The first event is chained to 32 zero bytes (domain/evidence.py: GENESIS). The bytes stored are the bytes hashed, so whoever verifies
-- needs no rule about how JSON is written.
CREATE OR REPLACE FUNCTION record_event(in_shop bigint, in_order bigint, in_at timestamptz, in_actor text, in_what text,
    in_positions integer[], in_move text, in_stage text, in_details jsonb) RETURNS integer LANGUAGE plpgsql AS
$$
DECLARE
    last_sequence integer;
    last_hash bytea;
    bytes bytea;
BEGIN
    SELECT sequence, hash INTO last_sequence, last_hash FROM core_event
        WHERE shop_id = in_shop AND order_id = in_order ORDER BY sequence DESC LIMIT 1;
    last_sequence := coalesce(last_sequence, 0) + 1;
    bytes := convert_to(jsonb_build_object('shop', in_shop, 'order', in_order, 'sequence', last_sequence,
        'at', to_char(in_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'actor', in_actor, 'what', in_what,
        'positions', to_jsonb(in_positions), 'move', in_move, 'stage', in_stage, 'details', coalesce(in_details, '{}'::jsonb))::text, 'UTF8');
    INSERT INTO core_event (shop_id, order_id, sequence, at, actor, what, positions, move, stage, body, hash)
        VALUES (in_shop, in_order, last_sequence, in_at, in_actor, in_what, in_positions, in_move, in_stage, bytes,
                sha256(coalesce(last_hash, decode(repeat('00', 32), 'hex')) || bytes));
    RETURN last_sequence;
END
$$;
