-- The life of the rules. Their texts, once published, are kept in orders_policy, where orders find them by version.

-- The version of a set of rules, as domain/policy/table.py names it: the first twelve hex digits of a digest over names and texts.
CREATE FUNCTION policy_digest(in_texts jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS
$$
    SELECT left(encode(sha256(coalesce(string_agg(convert_to(file.key, 'UTF8') || '\x00'::bytea || convert_to(file.value, 'UTF8')
        || '\x00'::bytea, ''::bytea ORDER BY file.key COLLATE "C"), ''::bytea)), 'hex'), 12) FROM jsonb_each_text(in_texts) AS file
$$;

-- The table of moves of a draft. The same table stands in domain/policy_states.py; a test proves that they agree.
CREATE TABLE policies_move (from_status text NOT NULL, to_status text NOT NULL, PRIMARY KEY (from_status, to_status));

-- `revision` counts edits, so that nobody overwrites what they have not seen. `submitted_*`: what a second person is asked to agree to.
CREATE TABLE policies_draft (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    base_version text NOT NULL,
    texts jsonb NOT NULL CHECK (jsonb_typeof(texts) = 'object' AND octet_length(texts::text) <= 4 * 1024 * 1024),
    version text NOT NULL,
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'checked', 'backtested', 'submitted', 'published', 'discarded')),
    created_by bigint NOT NULL CHECK (created_by > 0),
    created_at timestamptz NOT NULL,
    changed_by bigint NOT NULL CHECK (changed_by > 0),
    changed_at timestamptz NOT NULL,
    submitted_by bigint,
    submitted_at timestamptz,
    submitted_from timestamptz,
    submitted_reason text,
    CONSTRAINT draft_is_its_texts CHECK (version = policy_digest(texts)),
    CONSTRAINT draft_submitted_by_somebody CHECK ((status = 'submitted') = (submitted_by IS NOT NULL)
        AND (submitted_by IS NULL) = (submitted_at IS NULL) AND (submitted_by IS NULL) = (submitted_from IS NULL)
        AND (submitted_by IS NULL) = (submitted_reason IS NULL))
);
CREATE INDEX policies_draft_newest ON policies_draft (changed_at DESC, id DESC);

CREATE FUNCTION draft_moves_by_the_table() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT FROM policies_move WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'a draft cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'AN004';
    END IF;
    -- What was found about other texts says nothing about these.
    IF NEW.texts IS DISTINCT FROM OLD.texts AND (NEW.status <> 'draft' OR NEW.revision <> OLD.revision + 1
        OR OLD.status IN ('published', 'discarded')) THEN
        RAISE EXCEPTION 'new texts begin anew' USING ERRCODE = 'AN004';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER draft_moves BEFORE UPDATE ON policies_draft FOR EACH ROW EXECUTE FUNCTION draft_moves_by_the_table();

-- A check or a trial on the past of one version of a draft. `against` is the version in force it was compared with; `passed` tells whether
-- it may be published as far as this run can say.
CREATE TABLE policies_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    draft_id bigint NOT NULL REFERENCES policies_draft,
    kind text NOT NULL CHECK (kind IN ('check', 'backtest')),
    revision integer NOT NULL,
    version text NOT NULL,
    days integer NOT NULL CHECK (days BETWEEN 0 AND 3650),
    requested_by bigint NOT NULL,
    requested_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'done', 'failed')),
    against text,
    passed boolean,
    result jsonb,
    failure text,
    finished_at timestamptz,
    CONSTRAINT run_is_done_with_a_result CHECK ((status = 'done') = (result IS NOT NULL) AND (status = 'done') = (passed IS NOT NULL)
        AND (status = 'done') = (against IS NOT NULL)),
    CONSTRAINT run_fails_with_a_cause CHECK ((status = 'failed') = (failure IS NOT NULL)),
    CONSTRAINT run_ends_after_it_was_asked_for CHECK ((status = 'waiting') = (finished_at IS NULL) AND finished_at >= requested_at),
    CONSTRAINT run_is_short CHECK (pg_column_size(result) <= 1024 * 1024)
);
CREATE INDEX policies_run_newest ON policies_run (draft_id, kind, id DESC);
CREATE UNIQUE INDEX policies_run_one_waiting ON policies_run (draft_id, kind, revision) WHERE status = 'waiting';

CREATE FUNCTION run_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'what a run has found is not changed' USING ERRCODE = 'AN004'; END $$;
CREATE TRIGGER run_final BEFORE UPDATE ON policies_run FOR EACH ROW WHEN (OLD.status <> 'waiting') EXECUTE FUNCTION run_is_final();

-- Which rules are in force from when. Person 0 is the operator: the rules an installation begins with. The limits are those of
-- domain/policy_states.py: NOTICE and SHORTEST_NOTICE.
CREATE TABLE policies_publication (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL REFERENCES orders_policy,
    draft_id bigint REFERENCES policies_draft,
    announced_at timestamptz NOT NULL,
    in_force_from timestamptz NOT NULL,
    by_person bigint NOT NULL,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
    approved_by bigint,
    findings jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(findings) = 'array'),
    CONSTRAINT publication_gives_notice CHECK (by_person = 0 OR in_force_from >= announced_at + interval '10 minutes'),
    CONSTRAINT publication_of_two CHECK (by_person = 0 OR in_force_from >= announced_at + interval '168 hours'
        OR (approved_by IS NOT NULL AND approved_by > 0 AND btrim(reason) <> '')),
    CONSTRAINT publication_not_alone CHECK (approved_by <> by_person),
    CONSTRAINT publication_of_a_draft CHECK ((by_person = 0) = (draft_id IS NULL)),
    CONSTRAINT publication_one_per_instant UNIQUE (in_force_from)
);
CREATE TABLE policies_withdrawal (
    publication_id bigint PRIMARY KEY REFERENCES policies_publication,
    withdrawn_at timestamptz NOT NULL,
    by_person bigint NOT NULL CHECK (by_person > 0),
    reason text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 1000)
);
CREATE TRIGGER publication_append_only BEFORE UPDATE OR DELETE ON policies_publication FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER withdrawal_append_only BEFORE UPDATE OR DELETE ON policies_withdrawal FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION publication_in_order() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF EXISTS (SELECT FROM policies_publication AS other WHERE other.in_force_from >= NEW.in_force_from
               AND NOT EXISTS (SELECT FROM policies_withdrawal AS taken WHERE taken.publication_id = other.id)) THEN
        RAISE EXCEPTION 'rules announced already come into force later than these' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'publication_comes_later';
    END IF;
    IF NEW.by_person <> 0 AND 2 <> (SELECT count(DISTINCT run.kind) FROM policies_run AS run
            JOIN policies_draft AS draft ON draft.id = run.draft_id AND draft.revision = run.revision
        WHERE run.draft_id = NEW.draft_id AND run.version = NEW.version AND run.status = 'done' AND run.passed) THEN
        RAISE EXCEPTION 'this version was not checked and tried on the past' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'publication_was_looked_at';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER publication_order BEFORE INSERT ON policies_publication FOR EACH ROW EXECUTE FUNCTION publication_in_order();

CREATE FUNCTION withdrawal_in_time() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF NOT EXISTS (SELECT FROM policies_publication WHERE id = NEW.publication_id AND in_force_from > NEW.withdrawn_at) THEN
        RAISE EXCEPTION 'these rules are in force' USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_in_time';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER withdrawal_time BEFORE INSERT ON policies_withdrawal FOR EACH ROW EXECUTE FUNCTION withdrawal_in_time();

-- An installation that had rules before it knew of publications: each version counts from its own beginning, the first one from ever; a
-- version that came later never from before the last order that was placed under an earlier one.
DO $$
DECLARE
    kept orders_policy;
    begins timestamptz := '1970-01-01T00:00:00Z';
BEGIN
    FOR kept IN SELECT * FROM orders_policy ORDER BY published_at, version LOOP
        INSERT INTO policies_publication (version, announced_at, in_force_from, by_person) VALUES (kept.version, kept.published_at, begins, 0);
        SELECT greatest(begins, max(o.placed_at), (SELECT min(later.published_at) FROM orders_policy AS later
                WHERE (later.published_at, later.version) > (kept.published_at, kept.version))) + interval '1 microsecond'
            INTO begins FROM orders_order AS o WHERE o.policy_version = kept.version;
    END LOOP;
END
$$;
