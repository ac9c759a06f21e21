-- Everything a step in the life of the rules is decided on, as JSON text (policies/models.py: Desk). Rules are changed by one at a time:
-- whoever comes second waits here and then sees what the first has done. A role that was read is held until the step is done.
CREATE OR REPLACE FUNCTION lock_policies(in_person bigint, in_token bigint, in_real_now timestamptz, in_now timestamptz, in_request jsonb,
    in_draft text) RETURNS text LANGUAGE plpgsql VOLATILE SET lock_timeout = '3s' AS
$$
DECLARE
    replay text;
BEGIN
    PERFORM pg_advisory_xact_lock(7266741);
    PERFORM FROM accounts_staffrole WHERE person_id = in_person FOR SHARE;
    PERFORM FROM policies_draft WHERE number = in_draft FOR NO KEY UPDATE;
    replay := known_request(in_request ->> 'caller', in_request ->> 'key', decode(in_request ->> 'fingerprint', 'hex'));
    RETURN (SELECT json_build_object('replay', replay, 'standing', standing(in_person, in_token, 0, in_real_now),
        'in_force', policy_in_force(in_now),
        'last_version', last.version, 'last_from', last.in_force_from,
        'draft', (SELECT to_jsonb(draft) FROM policies_draft AS draft WHERE draft.number = in_draft),
        'runs', (SELECT coalesce(jsonb_agg(to_jsonb(run) ORDER BY run.id), '[]') FROM policies_run AS run
            JOIN policies_draft AS draft ON draft.id = run.draft_id
            WHERE draft.number = in_draft AND run.revision = draft.revision))::text
        FROM (SELECT) AS nothing LEFT JOIN LATERAL (
            SELECT publication.version, publication.in_force_from FROM policies_publication AS publication
            WHERE NOT EXISTS (SELECT FROM policies_withdrawal AS taken WHERE taken.publication_id = publication.id)
            ORDER BY publication.in_force_from DESC LIMIT 1) AS last ON true);
END
$$;

-- Announce the texts of a draft. Runs with its owner's right: the application writes publications through here alone, and never as person 0.
CREATE OR REPLACE FUNCTION announce_policy(in_draft bigint, in_at timestamptz, in_announcement jsonb) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public AS
$$
DECLARE
    drafted policies_draft;
BEGIN
    SELECT * INTO STRICT drafted FROM policies_draft WHERE id = in_draft;
    INSERT INTO orders_policy (version, texts, published_at) VALUES (drafted.version, drafted.texts, in_at)
        ON CONFLICT (version) DO NOTHING;
    -- Twelve digits are a name, not a proof: other texts under a name that is taken are refused.
    IF drafted.texts <> (SELECT texts FROM orders_policy WHERE version = drafted.version) THEN
        RAISE EXCEPTION 'other rules have this version' USING ERRCODE = 'AN011';
    END IF;
    IF (in_announcement ->> 'by_person')::bigint <= 0 THEN
        RAISE EXCEPTION 'rules are announced by people' USING ERRCODE = 'AN011';
    END IF;
    INSERT INTO policies_publication (version, draft_id, announced_at, in_force_from, by_person, reason, approved_by, findings)
        VALUES (drafted.version, in_draft, in_at, (in_announcement ->> 'in_force_from')::timestamptz,
            (in_announcement ->> 'by_person')::bigint, in_announcement ->> 'reason', (in_announcement ->> 'approved_by')::bigint,
            in_announcement -> 'findings');
END
$$;

-- Write one step in the life of the rules (policies/writes.py: Step) with its event, and remember the request. Returns the run asked for.
CREATE OR REPLACE FUNCTION change_policy(in_at timestamptz, in_actor text, in_person bigint, in_change jsonb) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '3s' AS
$$
DECLARE
    drafted bigint := (in_change ->> 'draft')::bigint;
    asked bigint;
    part jsonb;
BEGIN
    IF in_change ? 'new' THEN
        part := in_change -> 'new';
        INSERT INTO policies_draft (number, title, base_version, texts, version, created_by, created_at, changed_by, changed_at)
            VALUES (part ->> 'number', part ->> 'title', part ->> 'base_version', part -> 'texts', part ->> 'version',
                in_person, in_at, in_person, in_at) RETURNING id INTO drafted;
    END IF;
    IF in_change ? 'edit' THEN
        part := in_change -> 'edit';
        UPDATE policies_draft SET texts = part -> 'texts', version = part ->> 'version', revision = revision + 1, status = 'draft',
                changed_by = in_person, changed_at = in_at,
                submitted_by = NULL, submitted_at = NULL, submitted_from = NULL, submitted_reason = NULL
            WHERE id = drafted AND revision = (part ->> 'revision')::integer;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the draft was edited meanwhile' USING ERRCODE = 'AN012';
        END IF;
    END IF;
    IF in_change ? 'run' THEN
        part := in_change -> 'run';
        INSERT INTO policies_run (draft_id, kind, revision, version, days, requested_by, requested_at)
            SELECT drafted, part ->> 'kind', revision, version, (part ->> 'days')::integer, in_person, in_at
            FROM policies_draft WHERE id = drafted RETURNING id INTO asked;
        PERFORM ask_for_work(0, 'policy_run', asked::text, in_at, in_at);
    END IF;
    IF in_change ? 'finish' THEN
        part := in_change -> 'finish';
        UPDATE policies_run SET status = part ->> 'status', against = part ->> 'against', passed = (part ->> 'passed')::boolean,
                result = nullif(part -> 'result', 'null'), failure = part ->> 'failure', finished_at = greatest(in_at, requested_at)
            WHERE id = (part ->> 'run')::bigint;
    END IF;
    IF in_change ? 'status' THEN
        part := in_change -> 'submission';
        UPDATE policies_draft SET status = in_change ->> 'status', changed_at = in_at,
                submitted_by = (part ->> 'by_person')::bigint, submitted_at = (part ->> 'submitted_at')::timestamptz,
                submitted_from = (part ->> 'in_force_from')::timestamptz, submitted_reason = part ->> 'reason'
            WHERE id = drafted;
    END IF;
    IF in_change ? 'announcement' THEN
        PERFORM announce_policy(drafted, in_at, in_change -> 'announcement');
    END IF;
    IF in_change ? 'withdrawal' THEN
        part := in_change -> 'withdrawal';
        INSERT INTO policies_withdrawal (publication_id, withdrawn_at, by_person, reason)
            VALUES ((part ->> 'publication')::bigint, in_at, in_person, part ->> 'reason');
    END IF;
    PERFORM record_event(0, drafted, in_at, in_actor, in_change ->> 'what', ARRAY[]::integer[], NULL, NULL, in_change -> 'details');
    PERFORM remember_request(in_change -> 'request' ->> 'caller', in_change -> 'request' ->> 'key',
        decode(in_change -> 'request' ->> 'fingerprint', 'hex'), coalesce(in_change ->> 'reference', asked::text, ''),
        (in_change ->> 'made_at')::timestamptz);
    RETURN asked;
END
$$;
