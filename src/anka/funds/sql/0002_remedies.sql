-- What a decision grants beside the refund: a compensation into the buyer's wallet, a penalty out of the shop's deposit. On the ruling as
-- the arbiter gave it, on the case as it was carried out. In minor units.
ALTER TABLE cases_ruling
    ADD COLUMN compensation_minor bigint NOT NULL DEFAULT 0 CHECK (compensation_minor >= 0),
    ADD COLUMN penalty_minor bigint NOT NULL DEFAULT 0 CHECK (penalty_minor >= 0),
    -- Whoever is at fault pays: nobody is compensated for their own fault, and only a shop at fault is penalised.
    ADD CONSTRAINT ruling_compensates_the_innocent CHECK (compensation_minor = 0 OR fault <> 'buyer'),
    ADD CONSTRAINT ruling_penalises_the_shop CHECK (penalty_minor = 0 OR fault IN ('merchant', 'both'));
ALTER TABLE cases_case
    ADD COLUMN compensation_minor bigint NOT NULL DEFAULT 0 CHECK (compensation_minor >= 0),
    ADD COLUMN penalty_minor bigint NOT NULL DEFAULT 0 CHECK (penalty_minor >= 0);
