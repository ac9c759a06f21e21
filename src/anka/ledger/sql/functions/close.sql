-- The next open accounts of orders on the round, so many at most, and the round moves on past them. None while another worker is at it.
CREATE OR REPLACE FUNCTION next_order_accounts(in_limit integer)
    RETURNS TABLE (shop_id bigint, account_id bigint, order_id bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
$$
DECLARE
    place bigint;
    last bigint;
    seen bigint;
BEGIN
    SELECT after_id INTO place FROM ledger_round FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT max(open.id), count(*) INTO last, seen FROM (
        SELECT account.id FROM ledger_account AS account
        WHERE account.closed_at IS NULL AND account.code LIKE 'order:%' AND account.id > place ORDER BY account.id LIMIT in_limit) AS open;
    UPDATE ledger_round SET after_id = CASE WHEN seen < in_limit THEN 0 ELSE last END;
    RETURN QUERY SELECT account.shop_id, account.id,
            CASE WHEN split_part(account.code, ':', 2) ~ '^[0-9]{1,18}$' THEN split_part(account.code, ':', 2)::bigint END
        FROM ledger_account AS account
        WHERE account.closed_at IS NULL AND account.code LIKE 'order:%' AND account.id > place AND account.id <= last;
END
$$;

-- Close these accounts as far as they are empty, and return how many that were. One that somebody is posting to is left for the next round.
CREATE OR REPLACE FUNCTION close_accounts(in_at timestamptz, in_shops bigint[], in_ids bigint[]) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public AS
$$
DECLARE closed integer;
BEGIN
    WITH empty AS (
        SELECT account.shop_id, account.id FROM ledger_account AS account
            JOIN unnest(in_shops, in_ids) AS wanted (shop_id, id) ON wanted.shop_id = account.shop_id AND wanted.id = account.id
        WHERE account.closed_at IS NULL AND account.debits = account.credits AND NOT account.lazy
        ORDER BY account.id FOR NO KEY UPDATE OF account SKIP LOCKED)
    UPDATE ledger_account AS account SET closed_at = in_at
        FROM empty WHERE account.shop_id = empty.shop_id AND account.id = empty.id;
    GET DIAGNOSTICS closed = ROW_COUNT;
    RETURN closed;
END
$$;
