-- What a shop has, by place, and what it owes: {"pending": …, "available": …, …, "receivable": …}; what was never used is left out.
CREATE OR REPLACE FUNCTION merchant_position(in_shop bigint, in_currency text) RETURNS jsonb LANGUAGE sql STABLE AS
$$
    SELECT coalesce(jsonb_object_agg(
            CASE WHEN code LIKE 'recv:%' THEN 'receivable' ELSE split_part(code, ':', 3) END,
            CASE side WHEN 'debit' THEN debits - credits ELSE credits - debits END), '{}'::jsonb)
    FROM ledger_account WHERE shop_id = in_shop AND currency = in_currency AND code = ANY (merchant_accounts(in_shop));
$$;

-- The same under the lock of all these accounts, taken in the order of their ids as every posting takes it. The reading is a later
-- statement than the locking: under READ COMMITTED it then sees what was committed by those we waited for.
CREATE OR REPLACE FUNCTION lock_merchant_position(in_shop bigint, in_currency text) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public SET lock_timeout = '3s' AS
$$
BEGIN
    PERFORM 1 FROM ledger_account
        WHERE shop_id = in_shop AND currency = in_currency AND code = ANY (merchant_accounts(in_shop))
        ORDER BY id FOR NO KEY UPDATE;
    RETURN merchant_position(in_shop, in_currency);
END
$$;
