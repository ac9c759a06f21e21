-- Start a clock. A clock of the same kind that still runs for the same thing is a bug of the caller and is refused by the unique index.
CREATE OR REPLACE FUNCTION start_clock(in_shop bigint, in_order bigint, in_position integer, in_kind text, in_at timestamptz,
    in_due timestamptz) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO core_clock (shop_id, order_id, position, kind, started_at, due_at)
        VALUES (in_shop, in_order, in_position, in_kind, in_at, in_due);
$$;

-- End running clocks of these kinds for these positions, as stopped (its reason is gone) or fallen (it ran out and was acted upon).
CREATE OR REPLACE FUNCTION end_clocks(in_shop bigint, in_order bigint, in_positions integer[], in_kinds text[], in_at timestamptz,
    in_state text) RETURNS void LANGUAGE sql AS
$$
    UPDATE core_clock SET state = in_state, ended_at = in_at, paused_at = NULL
        WHERE shop_id = in_shop AND order_id = in_order AND position = ANY (in_positions) AND kind = ANY (in_kinds)
          AND state IN ('running', 'paused');
$$;

-- Stop the time of a clock for a while: an open case argues about what it runs for.
CREATE OR REPLACE FUNCTION pause_clocks(in_shop bigint, in_order bigint, in_position integer, in_kind text, in_at timestamptz) RETURNS void
LANGUAGE sql AS
$$
    UPDATE core_clock SET state = 'paused', paused_at = in_at
        WHERE shop_id = in_shop AND order_id = in_order AND position = in_position AND kind = in_kind AND state = 'running';
$$;

-- Let a paused clock run on, with as much time left as it had.
CREATE OR REPLACE FUNCTION resume_clocks(in_shop bigint, in_order bigint, in_position integer, in_kind text, in_at timestamptz) RETURNS void
LANGUAGE sql AS
$$
    UPDATE core_clock SET state = 'running', due_at = due_at + greatest(in_at - paused_at, interval '0'), paused_at = NULL
        WHERE shop_id = in_shop AND order_id = in_order AND position = in_position AND kind = in_kind AND state = 'paused';
$$;
