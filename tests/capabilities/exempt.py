"""Tables that are not distributed by shop, each with its reason (docs/decisions/0009-distribution-by-shop.md)."""

REFERENCE = "a small table of rules, the same on every node"
PEOPLE = "people belong to no shop, and are few; pages and forms read them through the ORM"
BY_ITSELF = "a name that must be unique whatever shop it turns out to touch is keyed by itself"
RULES = "the rules are those of the whole installation, the same for every shop"
INSTALLATION = "about the whole installation"
BILLS = "a channel bills the whole installation, whose payments lie in the books of many shops"

EXEMPT = {
    "orders_move": REFERENCE,
    "orders_money_move": REFERENCE,
    "payments_payment_move": REFERENCE,
    "payments_attempt_move": REFERENCE,
    "payments_refund_move": REFERENCE,
    "payments_dispute_move": REFERENCE,
    "cases_move": REFERENCE,
    "ledger_chart": REFERENCE,
    "orders_policy": REFERENCE,
    "policies_move": REFERENCE,
    "funds_move": REFERENCE,
    "policies_draft": RULES,
    "policies_run": RULES,
    "policies_publication": RULES,
    "policies_withdrawal": RULES,
    "accounts_person": PEOPLE,
    "accounts_shop": "the list of shops itself; its id is the shop_id of all others",
    "accounts_membership": PEOPLE,
    "accounts_staffrole": PEOPLE,
    "accounts_token": PEOPLE,
    "django_session": PEOPLE,
    "django_content_type": INSTALLATION,
    "django_migrations": INSTALLATION,
    "core_request": BY_ITSELF,
    "core_rate_bucket": "unlogged and keyed by caller; losing it is harmless",
    "core_checkpoint": "signs what happened in all shops",
    "core_checkpoint_key": INSTALLATION,
    "core_result": INSTALLATION,
    "core_freeze": INSTALLATION,
    "core_audit_run": INSTALLATION,
    "core_audit_finding": INSTALLATION,
    "core_retired_key": INSTALLATION,
    "core_worker": INSTALLATION,
    "ledger_round": INSTALLATION,
    "payments_transaction": BY_ITSELF,
    "payments_question": "asked by channel and number, before it is known whose payment it is, or whether it is any",
    "payments_bill": BILLS,
    "payments_bill_line": BILLS,
    "payments_difference": BILLS,
    "payments_difference_step": BILLS,
    "payments_notice": "kept as received, before it is known which shop, or whether any, it is about",
}
