-- A transfer made by hand can come back: somebody enters what the bank says, a second person approves, and the leg is owed again.
ALTER TABLE payments_stuck DROP CONSTRAINT payments_stuck_reason_check, ADD CONSTRAINT payments_stuck_reason_check
    CHECK (reason IN ('failed', 'closed', 'abnormal', 'outcome_unknown', 'by_hand', 'reversed', 'late', 'paid_twice', 'returned'));
ALTER TABLE payments_proof DROP CONSTRAINT payments_proof_kind_check, DROP CONSTRAINT payments_proof_says_check,
    DROP CONSTRAINT payments_proof_check1,
    ADD CONSTRAINT payments_proof_kind_check CHECK (kind IN ('transfer', 'console', 'returned')),
    ADD CONSTRAINT payments_proof_says_check CHECK (says IN ('succeeded', 'failed', 'reversed')),
    ADD CONSTRAINT proof_says_what_its_kind_can CHECK (CASE kind
        WHEN 'transfer' THEN says = 'succeeded' AND bank <> '' AND payee <> ''
        WHEN 'returned' THEN says = 'reversed' AND bank <> '' AND payee = ''
        ELSE says <> 'reversed' AND bank = '' AND payee = '' END);
-- One word about each attempt, and one about its coming back.
DROP INDEX payments_proof_one_open;
CREATE UNIQUE INDEX payments_proof_one_open ON payments_proof (shop_id, attempt_id, (kind = 'returned')) WHERE status <> 'refused';
CREATE UNIQUE INDEX payments_proof_returned_once ON payments_proof (shop_id, bank, reference) WHERE kind = 'returned' AND status <> 'refused';
