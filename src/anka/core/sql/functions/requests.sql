-- Look up a request that carried an idempotency key: its reference, or NULL where it is new. The same key with another body is refused.
CREATE OR REPLACE FUNCTION known_request(in_caller text, in_key text, in_fingerprint bytea) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE known core_request;
BEGIN
    IF in_key IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT * INTO known FROM core_request WHERE caller = in_caller AND idempotency_key = in_key;
    IF known.fingerprint <> in_fingerprint THEN
        RAISE EXCEPTION 'idempotency key was used for another request' USING ERRCODE = 'AN002';
    END IF;
    RETURN known.reference;
END
$$;

-- Remember a request, at its real time: how long a key is kept has nothing to do with the market's clock. A simultaneous twin waits here for our commit, is refused with AN003, rolls back, and reads our answer.
CREATE OR REPLACE FUNCTION remember_request(in_caller text, in_key text, in_fingerprint bytea, in_reference text, in_at timestamptz)
RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    IF in_key IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO core_request (caller, idempotency_key, fingerprint, reference, made_at)
        VALUES (in_caller, in_key, in_fingerprint, in_reference, in_at)
        ON CONFLICT (caller, idempotency_key) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the same request is already done' USING ERRCODE = 'AN003';
    END IF;
END
$$;
