-- Books that stay small and stay what they were: finished orders' accounts are closed; nothing is emptied, and what an account is never changes.

-- Only accounts of orders are closed, and the round over them looks at the open ones, in the order they were opened.
CREATE INDEX ledger_account_open_order ON ledger_account (id) WHERE closed_at IS NULL AND code LIKE 'order:%';

-- Up to which account the round has come; it begins anew when it has seen the last.
CREATE TABLE ledger_round (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    after_id bigint NOT NULL DEFAULT 0
);
INSERT INTO ledger_round DEFAULT VALUES;

CREATE TRIGGER journal_never_emptied BEFORE TRUNCATE ON ledger_journal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_never_emptied BEFORE TRUNCATE ON ledger_transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER account_never_emptied BEFORE TRUNCATE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER account_kept BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- The sums of an account only grow, as its transfers are only added to.
CREATE TRIGGER account_only_grows BEFORE UPDATE ON ledger_account FOR EACH ROW
    WHEN (NEW.debits < OLD.debits OR NEW.credits < OLD.credits OR NEW.rolled_up_to < OLD.rolled_up_to
          OR (NEW.shop_id, NEW.code, NEW.currency, NEW.side, NEW.floored, NEW.lazy)
             IS DISTINCT FROM (OLD.shop_id, OLD.code, OLD.currency, OLD.side, OLD.floored, OLD.lazy))
    EXECUTE FUNCTION refuse_change();
