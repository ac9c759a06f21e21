-- Take one token from a bucket. Returns 0 where one was there, else the seconds until there is one.
CREATE OR REPLACE FUNCTION take_token(in_budget text, in_caller text, in_capacity numeric, in_per_second numeric, in_at timestamptz)
RETURNS numeric LANGUAGE plpgsql AS
$$
DECLARE left_over numeric;
BEGIN
    INSERT INTO core_rate_bucket AS bucket (budget, caller, tokens, refreshed_at)
        VALUES (in_budget, in_caller, in_capacity - 1, in_at)
        ON CONFLICT (budget, caller) DO UPDATE SET
            tokens = greatest(-1, least(in_capacity, bucket.tokens
                + greatest(0, extract(epoch FROM in_at - bucket.refreshed_at)) * in_per_second) - 1),
            refreshed_at = greatest(bucket.refreshed_at, in_at)
        RETURNING tokens INTO left_over;
    IF left_over >= 0 THEN
        RETURN 0;
    END IF;
    -- An empty bucket is not made emptier by knocking: the token that was not there is put back.
    UPDATE core_rate_bucket SET tokens = tokens + 1 WHERE budget = in_budget AND caller = in_caller;
    RETURN ceil(- left_over / in_per_second);
END
$$;
