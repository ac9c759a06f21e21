-- Why payouts stand still, or null where they flow: the newest freeze that no thaw has named.
CREATE OR REPLACE FUNCTION payouts_frozen() RETURNS text LANGUAGE sql STABLE AS
$$
    SELECT reason FROM core_freeze WHERE step = 'frozen'
        AND id > coalesce((SELECT max(freeze_id) FROM core_freeze WHERE step = 'thawed'), 0) ORDER BY id DESC LIMIT 1;
$$;

-- One step of a freeze, one at a time: a thaw that is being written must not pass over a freeze that is.
CREATE OR REPLACE FUNCTION note_freeze(in_step text, in_at timestamptz, in_actor text, in_reason text, in_freeze bigint, in_asked_by text)
RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE made bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7266734);
    IF in_step <> 'frozen' AND in_freeze IS DISTINCT FROM (SELECT max(id) FROM core_freeze WHERE step = 'frozen'
            AND id > coalesce((SELECT max(freeze_id) FROM core_freeze WHERE step = 'thawed'), 0)) THEN
        RETURN NULL;
    END IF;
    INSERT INTO core_freeze (step, at, actor, reason, freeze_id, asked_by)
        VALUES (in_step, in_at, in_actor, in_reason, in_freeze, in_asked_by) RETURNING id INTO made;
    RETURN made;
END
$$;
