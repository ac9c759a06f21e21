-- Where no channel takes the money back any more, its buyer may choose a transfer that a person makes.
ALTER TABLE cases_case DROP CONSTRAINT cases_case_refund_to_check,
    ADD CONSTRAINT cases_case_refund_to_check CHECK (refund_to IN ('original', 'wallet', 'hand'));
