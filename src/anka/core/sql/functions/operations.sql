-- A worker says that it lives; names that were silent for a day are forgotten, so that the table stays small.
CREATE OR REPLACE FUNCTION worker_beat(in_name text, in_started timestamptz, in_at timestamptz) RETURNS void LANGUAGE sql AS
$$
    DELETE FROM core_worker WHERE beat_at < in_at - interval '1 day';
    INSERT INTO core_worker (name, started_at, beat_at) VALUES (in_name, in_started, greatest(in_started, in_at))
        ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, beat_at = greatest(excluded.started_at, excluded.beat_at);
$$;

-- Let the present checkpoint key vouch for a former one. Harmless to repeat.
CREATE OR REPLACE FUNCTION vouch_for_checkpoint_key(in_name text, in_by text, in_at timestamptz, in_signature bytea) RETURNS void
LANGUAGE sql AS
$$
    INSERT INTO core_checkpoint_key (name, vouched_by, vouched_at, signature) VALUES (in_name, in_by, in_at, in_signature)
        ON CONFLICT (name, vouched_by) DO NOTHING;
$$;

-- Remember the last result of a look at the whole installation.
CREATE OR REPLACE FUNCTION note_result(in_name text, in_at timestamptz, in_value bigint) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO core_result (name, found_at, value) VALUES (in_name, in_at, in_value)
        ON CONFLICT (name) DO UPDATE SET found_at = excluded.found_at, value = excluded.value
        WHERE core_result.found_at <= excluded.found_at;
$$;

-- Use up transaction numbers after restoring a copy (config/dump.py): each block is a subtransaction that writes, and so takes one.
CREATE OR REPLACE FUNCTION use_transaction_numbers(in_count integer) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    CREATE TEMP TABLE number_used (nothing boolean) ON COMMIT DROP;
    FOR number IN 1..in_count LOOP
        BEGIN
            INSERT INTO pg_temp.number_used VALUES (true);
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END
$$;
