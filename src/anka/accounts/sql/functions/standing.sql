-- Whether a person may act at this moment, and as what in a shop. Read inside the transaction that acts, so that a role or token
-- taken away a moment ago no longer counts. Token expiry runs on real time, given by the caller.
CREATE OR REPLACE FUNCTION standing(in_person bigint, in_token bigint, in_shop bigint, in_real_now timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS
$$
    SELECT jsonb_build_object(
        'active', EXISTS (SELECT FROM accounts_person WHERE id = in_person AND is_active)
            AND (in_token = 0 OR EXISTS (SELECT FROM accounts_token WHERE id = in_token AND person_id = in_person
                                          AND revoked_at IS NULL AND expires_at > in_real_now)),
        'shop_role', (SELECT role FROM accounts_membership WHERE person_id = in_person AND shop_id = in_shop),
        'staff_roles', coalesce((SELECT jsonb_agg(role ORDER BY role) FROM accounts_staffrole WHERE person_id = in_person), '[]'::jsonb));
$$;
