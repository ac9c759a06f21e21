-- A case with a life of its own: what is asked and offered, who has answered what, what the platform ruled.
ALTER TABLE cases_case
    -- What the asker wants: an amount (obligatory where the refund is negotiable), or a replacement.
    ADD COLUMN ask_minor bigint CHECK (ask_minor >= 0),
    ADD COLUMN ask_replacement boolean NOT NULL DEFAULT false,
    -- What the turn itself offers, paid on silence where silence means refund; NULL where only an agreement has an amount.
    ADD COLUMN offered_minor bigint CHECK (offered_minor >= 0),
    ADD COLUMN refund_to text NOT NULL DEFAULT 'original' CHECK (refund_to IN ('original', 'wallet')),
    ADD COLUMN merchant_answer text NOT NULL DEFAULT 'none' CHECK (merchant_answer IN ('none', 'agreed', 'refused', 'silent')),
    ADD COLUMN merchant_answered_at timestamptz,
    ADD COLUMN rounds integer NOT NULL DEFAULT 0 CHECK (rounds BETWEEN 0 AND 3),
    ADD COLUMN bargaining_until timestamptz,
    ADD COLUMN platform_since timestamptz,
    ADD COLUMN fault text CHECK (fault IN ('none', 'buyer', 'merchant', 'platform', 'both', 'undecided')),
    ADD COLUMN keys_void boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT case_open_is_not_closed CHECK (status <> 'closed' OR outcome IS NOT NULL);
CREATE INDEX cases_case_waiting ON cases_case (shop_id, status) WHERE closed_at IS NULL;

-- A case is judged more than once in its life; every time leaves a receipt.
ALTER TABLE cases_receipt
    ADD COLUMN sequence integer NOT NULL DEFAULT 1 CHECK (sequence > 0),
    DROP CONSTRAINT cases_receipt_pkey,
    ADD PRIMARY KEY (shop_id, case_id, sequence);

-- What the parties said, in the order they said it.
CREATE TABLE cases_answer (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    case_id bigint NOT NULL,
    at timestamptz NOT NULL,
    by_side text NOT NULL CHECK (by_side IN ('buyer', 'merchant', 'platform', 'system')),
    person_id bigint NOT NULL DEFAULT 0,
    what text NOT NULL CHECK (what IN ('agreed', 'refused', 'withdrew', 'escalated', 'appealed', 'declined', 'accepted')),
    code text CHECK (code IN ('ALREADY_DELIVERED', 'IN_PROGRESS', 'KEY_WORKED', 'USED_BY_BUYER', 'AS_DESCRIBED', 'BUYER_CONSENTED', 'OTHER')),
    text text NOT NULL DEFAULT '' CHECK (length(text) <= 2000),
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, case_id) REFERENCES cases_case (shop_id, id),
    -- A refusal says why, in words.
    CONSTRAINT refusal_has_reasons CHECK (what <> 'refused' OR (code IS NOT NULL AND length(trim(text)) > 0))
);
CREATE INDEX cases_answer_case ON cases_answer (shop_id, case_id);
CREATE TRIGGER answer_append_only BEFORE UPDATE OR DELETE ON cases_answer FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Offers of either side. One is open at a time; stock for a replacement is reserved when it is offered.
CREATE TABLE cases_offer (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    case_id bigint NOT NULL,
    by_side text NOT NULL CHECK (by_side IN ('buyer', 'merchant')),
    person_id bigint NOT NULL,
    refund_minor bigint NOT NULL DEFAULT 0 CHECK (refund_minor >= 0),
    replacement boolean NOT NULL DEFAULT false,
    text text NOT NULL DEFAULT '' CHECK (length(text) <= 2000),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'declined', 'expired', 'superseded')),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    key_ids bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, case_id) REFERENCES cases_case (shop_id, id),
    CONSTRAINT offer_offers_something CHECK (refund_minor > 0 OR replacement),
    CONSTRAINT offer_reserves_for_replacement CHECK (replacement OR cardinality(key_ids) = 0),
    CHECK ((status = 'open') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX cases_offer_one_open ON cases_offer (shop_id, case_id) WHERE status = 'open';
CREATE INDEX cases_offer_case ON cases_offer (shop_id, case_id);

-- What a party says to prove its case. Uploads come later; a text is hashed as it was written.
CREATE TABLE cases_evidence (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    case_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('SCREENSHOT', 'ERROR_SCREENSHOT', 'BALANCE_SCREENSHOT', 'SCREEN_RECORDING', 'KEY_PREFIX',
        'ISSUER_STATEMENT', 'ISSUER_TICKET', 'TRADE_VIDEO', 'ID_CHECK', 'POLICE_REPORT', 'REFUND_PROOF_OUTSIDE', 'OTHER')),
    by_side text NOT NULL CHECK (by_side IN ('buyer', 'merchant', 'platform')),
    person_id bigint NOT NULL,
    at timestamptz NOT NULL,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    sha256 bytea NOT NULL CHECK (sha256 = sha256(convert_to(text, 'UTF8'))),
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, case_id) REFERENCES cases_case (shop_id, id)
);
CREATE INDEX cases_evidence_case ON cases_evidence (shop_id, case_id);
CREATE TRIGGER case_evidence_append_only BEFORE UPDATE OR DELETE ON cases_evidence FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The platform's word on a case. Above a limit it needs a second person before it counts; an appeal is ruled on by another one.
CREATE TABLE cases_ruling (
    shop_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    case_id bigint NOT NULL,
    instance integer NOT NULL CHECK (instance IN (1, 2)),
    status text NOT NULL CHECK (status IN ('proposed', 'given', 'replaced')),
    by_person bigint NOT NULL,
    made_at timestamptz NOT NULL,
    approved_by bigint,
    approved_at timestamptz,
    fault text NOT NULL CHECK (fault IN ('buyer', 'merchant', 'platform', 'both', 'none')),
    remedy text NOT NULL CHECK (remedy IN ('full', 'partial', 'replacement', 'nothing')),
    refund_minor bigint NOT NULL CHECK (refund_minor >= 0),
    reasons text[] NOT NULL CHECK (cardinality(reasons) > 0),
    text text NOT NULL CHECK (length(trim(text)) > 0 AND length(text) <= 4000),
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, case_id) REFERENCES cases_case (shop_id, id),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    -- Nobody approves their own ruling. Person 0 is the clock of the law (the ceiling).
    CONSTRAINT ruling_has_two_people CHECK (approved_by IS NULL OR approved_by <> by_person),
    CONSTRAINT ruling_pays_what_it_grants CHECK ((remedy = 'nothing') = (refund_minor = 0) OR remedy = 'replacement')
);
CREATE UNIQUE INDEX cases_ruling_one_proposed ON cases_ruling (shop_id, case_id) WHERE status = 'proposed';
CREATE INDEX cases_ruling_case ON cases_ruling (shop_id, case_id);

-- Cases are no longer opened and closed in one breath only.
DROP FUNCTION IF EXISTS open_and_close_case(bigint, bigint, timestamptz, jsonb);
