-- A decision that a difference was corrected may post what makes our books say what the bill says; the step names its journal.
-- `corrected_minor`: what these journals have changed so far, as a correction counts (plus: the channel has more than our books had).
ALTER TABLE payments_difference ADD COLUMN corrected_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE payments_difference_step ADD COLUMN shop_id bigint, ADD COLUMN journal_key text, ADD COLUMN corrected_minor bigint,
    ADD CONSTRAINT difference_step_posted_whole CHECK (num_nonnulls(shop_id, journal_key, corrected_minor) IN (0, 3)),
    ADD CONSTRAINT difference_step_posted_by_correction CHECK (journal_key IS NULL OR (step = 'corrected' AND corrected_minor <> 0)),
    ADD CONSTRAINT difference_step_posted_once UNIQUE (journal_key);
CREATE INDEX payments_difference_corrected ON payments_difference (channel, id) WHERE corrected_minor <> 0;
