-- The shop at the front of a public number; 00 is the platform itself, whose books are those of shop 0.
CREATE OR REPLACE FUNCTION shop_of_number(in_number text) RETURNS bigint LANGUAGE sql STABLE AS
$$
    SELECT CASE split_part(in_number, '-', 1) WHEN '00' THEN 0
        ELSE (SELECT id FROM accounts_shop WHERE code = split_part(in_number, '-', 1)) END;
$$;
