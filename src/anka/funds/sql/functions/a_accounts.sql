-- The codes of every account of a shop's own money.
CREATE OR REPLACE FUNCTION merchant_accounts(in_shop bigint) RETURNS text[] LANGUAGE sql IMMUTABLE AS
$$
    SELECT array_agg(format('merchant:%s:%s', in_shop, place))
        || format('recv:merchant:%s', in_shop)
    FROM unnest(ARRAY['pending', 'available', 'frozen', 'deposit', 'withdrawing']) AS place;
$$;
