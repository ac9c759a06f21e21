-- The version of the rules in force at a moment: the newest publication that has begun and was not withdrawn. NULL where none has begun.
CREATE OR REPLACE FUNCTION policy_in_force(in_at timestamptz) RETURNS text LANGUAGE sql STABLE AS
$$
    SELECT publication.version FROM policies_publication AS publication
    WHERE publication.in_force_from <= in_at
        AND NOT EXISTS (SELECT FROM policies_withdrawal AS taken WHERE taken.publication_id = publication.id)
    ORDER BY publication.in_force_from DESC LIMIT 1
$$;
