-- The ids of these accounts in the order given; accounts that do not exist yet are opened as the chart says.
CREATE OR REPLACE FUNCTION account_ids(in_shop bigint, in_currency text, in_codes text[]) RETURNS bigint[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public AS
$$
DECLARE ids bigint[];
BEGIN
    FOR attempt IN 1..2 LOOP
        SELECT array_agg(account.id ORDER BY wanted.place) INTO ids
            FROM unnest(in_codes) WITH ORDINALITY AS wanted (code, place)
            LEFT JOIN ledger_account AS account
                ON account.shop_id = in_shop AND account.code = wanted.code AND account.currency = in_currency;
        EXIT WHEN array_position(ids, NULL) IS NULL;
        INSERT INTO ledger_account (shop_id, code, currency, side, floored, lazy)
            SELECT in_shop, wanted.code, in_currency, chart.side, chart.floored, chart.lazy
            FROM (SELECT DISTINCT unnest(in_codes) AS code) AS wanted JOIN ledger_chart AS chart ON wanted.code ~ chart.pattern
            ORDER BY wanted.code
            ON CONFLICT (shop_id, code, currency) DO NOTHING;
    END LOOP;
    IF array_position(ids, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'an account of % is not in the chart', in_codes USING ERRCODE = 'AN005';
    END IF;
    RETURN ids;
END
$$;

-- Post all pairs or none, once per key. The same key with the same input returns the first journal; with other input it is refused.
-- Accounts with a cached balance are locked in id order, so posts never deadlock; lazy ones are only appended to. A closed account that
-- is posted to is open again: what is late must still find its place.
CREATE OR REPLACE FUNCTION post_journal(in_shop bigint, in_key text, in_kind text, in_at timestamptz, in_currency text,
    in_debits text[], in_credits text[], in_amounts bigint[]) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public AS
$$
DECLARE
    journal bigint;
    input bytea := sha256(convert_to(concat_ws('|', in_kind, in_currency, in_debits::text, in_credits::text, in_amounts::text), 'UTF8'));
    known bytea;
    ids bigint[];
    debit_ids bigint[];
    credit_ids bigint[];
BEGIN
    INSERT INTO ledger_journal (shop_id, idempotency_key, input_hash, kind, posted_at) VALUES (in_shop, in_key, input, in_kind, in_at)
        ON CONFLICT (shop_id, idempotency_key) DO NOTHING RETURNING id INTO journal;
    IF journal IS NULL THEN
        SELECT id, input_hash INTO STRICT journal, known FROM ledger_journal WHERE shop_id = in_shop AND idempotency_key = in_key;
        IF known <> input THEN
            RAISE EXCEPTION 'journal % was posted with other input', in_key USING ERRCODE = 'AN006';
        END IF;
        RETURN journal;
    END IF;
    ids := account_ids(in_shop, in_currency, in_debits || in_credits);
    debit_ids := ids[:cardinality(in_debits)];
    credit_ids := ids[cardinality(in_debits) + 1:];
    PERFORM 1 FROM ledger_account WHERE shop_id = in_shop AND id = ANY (ids) AND NOT lazy
        ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO ledger_transfer (shop_id, journal_id, debit_id, credit_id, amount_minor)
        SELECT in_shop, journal, d, c, a FROM unnest(debit_ids, credit_ids, in_amounts) AS pair (d, c, a);
    UPDATE ledger_account AS account
        SET debits = account.debits + moved.debit, credits = account.credits + moved.credit, closed_at = NULL
        FROM (SELECT side.id, sum(side.debit)::bigint AS debit, sum(side.credit)::bigint AS credit
              FROM unnest(debit_ids, credit_ids, in_amounts) AS pair (d, c, a),
                   LATERAL (VALUES (d, a, 0::bigint), (c, 0::bigint, a)) AS side (id, debit, credit)
              GROUP BY side.id) AS moved
        WHERE account.shop_id = in_shop AND account.id = moved.id AND NOT account.lazy;
    RETURN journal;
END
$$;

-- Post journals given as JSON: [{"shop_id", "key", "kind", "transfers": [{"debit", "credit", "amount_minor"}]}]. In the order given:
-- every flow lists shop 0 last, so two flows never wait for each other crosswise.
CREATE OR REPLACE FUNCTION post_journals(in_at timestamptz, in_currency text, in_journals jsonb) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE journal jsonb;
BEGIN
    FOR journal IN SELECT value FROM jsonb_array_elements(in_journals) LOOP
        PERFORM post_journal((journal ->> 'shop_id')::bigint, journal ->> 'key', journal ->> 'kind', in_at, in_currency,
            array_agg(pair.debit ORDER BY place), array_agg(pair.credit ORDER BY place), array_agg(pair.amount_minor ORDER BY place))
            FROM ROWS FROM (jsonb_to_recordset(journal -> 'transfers') AS (debit text, credit text, amount_minor bigint))
                WITH ORDINALITY AS pair (debit, credit, amount_minor, place);
    END LOOP;
END
$$;

-- The balance of one account on its normal side, 0 where it was never opened. Lazy accounts add what was not rolled up yet.
CREATE OR REPLACE FUNCTION account_balance(in_shop bigint, in_code text, in_currency text) RETURNS bigint LANGUAGE sql STABLE AS
$$
    SELECT coalesce((
        SELECT CASE account.side WHEN 'debit' THEN sums.debit - sums.credit ELSE sums.credit - sums.debit END
        FROM ledger_account AS account, LATERAL (
            SELECT account.debits + coalesce(sum(amount_minor) FILTER (WHERE debit_id = account.id), 0) AS debit,
                   account.credits + coalesce(sum(amount_minor) FILTER (WHERE credit_id = account.id), 0) AS credit
            FROM ledger_transfer AS transfer
            WHERE account.lazy AND transfer.shop_id = account.shop_id AND (transfer.debit_id = account.id OR transfer.credit_id = account.id)
              AND (account.rolled_up_to IS NULL OR transfer.transaction_id >= account.rolled_up_to)) AS sums
        WHERE account.shop_id = in_shop AND account.code = in_code AND account.currency = in_currency), 0)::bigint;
$$;

-- Roll lazy accounts up to the horizon: transfers of transactions older than every running one. Returns how many accounts moved on.
CREATE OR REPLACE FUNCTION roll_up_lazy_accounts() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
$$
DECLARE
    horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
    moved integer;
BEGIN
    WITH due AS (
        SELECT shop_id, id, rolled_up_to FROM ledger_account WHERE lazy AND (rolled_up_to IS NULL OR rolled_up_to < horizon)
        ORDER BY shop_id, id FOR NO KEY UPDATE SKIP LOCKED
    ), sums AS (
        SELECT due.shop_id, due.id,
            coalesce(sum(transfer.amount_minor) FILTER (WHERE transfer.debit_id = due.id), 0) AS debit,
            coalesce(sum(transfer.amount_minor) FILTER (WHERE transfer.credit_id = due.id), 0) AS credit
        FROM due LEFT JOIN ledger_transfer AS transfer
            ON transfer.shop_id = due.shop_id AND (transfer.debit_id = due.id OR transfer.credit_id = due.id)
            AND transfer.transaction_id < horizon AND (due.rolled_up_to IS NULL OR transfer.transaction_id >= due.rolled_up_to)
        GROUP BY due.shop_id, due.id)
    UPDATE ledger_account AS account
        SET debits = account.debits + sums.debit, credits = account.credits + sums.credit, rolled_up_to = horizon
        FROM sums WHERE account.shop_id = sums.shop_id AND account.id = sums.id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END
$$;
