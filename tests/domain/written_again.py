"""The tables of the domain written out a second time, from the design, in a form that is read and not run.

A slip in one of the two shows as a difference. Whoever changes a rule changes it here too, on purpose: databases hold these words.
"""

MONEY = """
none: held
held: released refunding none
released: settled refunding none
settled: refunding none
refunding: part_refunded refunded
part_refunded: released settled refunding
refunded: refunding
"""
CASES = """
open: executing waiting_upstream external refused merchant_turn evidence
waiting_upstream: executing review external closed
external: executing closed
refused: evidence executing external closed
merchant_turn: buyer_turn executing evidence external closed
buyer_turn: merchant_turn executing evidence external closed
evidence: review decided executing external closed
review: evidence decided executing external closed
decided: appeal executing external
appeal: final external
final: executing
executing: closed
"""
ATTEMPTS = """
created: submitting closed
submitting: processing succeeded unknown waiting_funds closed abnormal failed manual
processing: succeeded unknown waiting_funds closed abnormal failed manual
unknown: submitting processing succeeded waiting_funds closed abnormal failed manual
waiting_funds: submitting processing succeeded unknown closed abnormal failed manual
abnormal: processing succeeded closed failed manual
closed: succeeded
failed: succeeded manual
succeeded: reversed
reversed: manual
manual: succeeded failed
"""
REFUNDS = """
intended: processing succeeded stuck
processing: succeeded stuck failed
stuck: processing succeeded failed
failed: processing succeeded
succeeded: stuck
"""
PAYMENTS = """
created: pending paid failed closed
pending: paid failed closed
failed: paid
closed: paid
"""
GOODS = """
card_key reserved: pay>queued release>released
card_key queued: open>accepted seal>sealed release>released
card_key accepted: start>working seal>sealed release>released
card_key working: seal>sealed release>released
card_key sealed: reveal>revealed recall>recalled void>voided rotate>voided replace>replaced
card_key revealed: use>used void>voided rotate>voided keep>closed_out replace>replaced
card_key used: void>voided rotate>voided keep>closed_out replace>replaced
top_up reserved: pay>queued release>released
top_up queued: open>accepted submit>working release>released
top_up accepted: start>working hand_over>delivered release>released
top_up working: finish>delivered release>released
top_up delivered: void>voided rotate>voided keep>closed_out replace>replaced
account reserved: pay>queued release>released
account queued: open>accepted seal>sealed release>released
account accepted: start>working seal>sealed hand_over>delivered release>released
account working: seal>sealed release>released
account sealed: reveal>revealed recall>recalled void>voided rotate>voided replace>replaced
account revealed: hand_over>delivered use>used void>voided rotate>voided keep>closed_out replace>replaced
account delivered: void>voided rotate>voided keep>closed_out replace>replaced
account used: void>voided rotate>voided keep>closed_out replace>replaced
boosting reserved: pay>queued release>released
boosting queued: open>accepted release>released
boosting accepted: start>working release>released
boosting working: finish>delivered release>released
boosting delivered: void>voided rotate>voided keep>closed_out replace>replaced
rental reserved: pay>queued release>released
rental queued: open>accepted seal>sealed release>released
rental accepted: seal>sealed release>released
rental sealed: reveal>working recall>recalled void>voided rotate>voided replace>replaced
rental working: finish>delivered void>voided rotate>voided keep>closed_out
rental delivered: void>voided rotate>voided keep>closed_out replace>replaced
"""
ACCOUNTS = """
order:41:escrow credit floored
order:41:hold credit floored
buyer:5:wallet credit floored
merchant:7:pending credit floored
merchant:7:available credit floored
merchant:7:frozen credit floored
merchant:7:deposit credit floored
merchant:7:withdrawing credit floored
recv:merchant:7 debit floored
supplier:x-1:prepaid debit floored
psp:alipay:clearing debit lazy
psp:alipay:available debit lazy
bank:1 debit lazy
dispute:alipay debit lazy
suspense:alipay debit lazy
refund_payable:alipay credit lazy
unidentified:alipay credit lazy
bridge:0 credit lazy
commission credit lazy
withdraw_fee credit lazy
penalty credit lazy
psp_fee debit lazy
compensation debit lazy
promo debit lazy
bad_debt debit lazy
recon_diff debit lazy
"""
# Name, default, shortest and longest: minutes, hours, days.
CLOCKS = """
hold 15m 5m 2h
late 1d 1h 3d
promise_auto 5m 1m 1h
promise_manual 2h 5m 30d
untouched 48h 2h 48h
answer 24h 1h 24h
offer 48h 12h 72h
bargaining 72h 24h 72h
evidence 24h 12h 72h
evidence_account 48h 24h 72h
look 24h 1h 24h
rule 48h 1h 48h
escalate 7d 7d 30d
appeal 72h 24h 7d
confirm_card_key 72h 24h 30d
confirm_top_up 24h 24h 30d
confirm_account 72h 72h 30d
confirm_boosting 72h 24h 30d
confirm_rental 72h 24h 30d
settle 2d 0d 30d
external_reply 20h 1h 24h
external_done 60h 1h 72h
ceiling_alarm 10d 1d 10d
ceiling 15d 1d 15d
keep 1096d 1096d 3653d
"""
# Who is warned of which clock, at which percentages of it.
WARNINGS = """
hold buyer 80
promise shop 50 80
answer shop 50 80
offer buyer 50 80
escalate buyer 50 80
appeal buyer 50 80
evidence buyer,shop 50 80
look platform 50 80
rule platform 50 80
ceiling platform 66
"""
# Whose turn a case is, by which clock, and what silence means.
TURNS = """
merchant_turn merchant answer escalate
buyer_turn buyer offer escalate
refused buyer escalate close
evidence platform look review
review platform rule alarm
decided none appeal execute
appeal platform rule alarm
"""
# What is refused, the code programs read, and the status of the answer over HTTP. 500: a slip of ours, nothing a user can cause.
REFUSALS = """
BadAmount bad_amount 422
BadBankAccount bad_bank_account 422
BadCalendar bad_calendar 422
ClockOutOfBounds clock_out_of_bounds 422
FactsError bad_facts 422
IllegalChange illegal_change 409
IllegalMove illegal_move 409
NoRuleMatches no_rule_matches 500
NoShareToPay no_share_to_pay 422
NotCanonical not_canonical 500
RefundNotCoverable refund_not_coverable 409
RuleNotFound rule_not_found 404
RuleTableError bad_rule_table 422
TooTangled too_tangled 422
UnequalSums unequal_sums 500
UnknownAccount unknown_account 500
UnknownClock unknown_clock 500
UnknownCurrency unknown_currency 422
UnknownFundsMode unknown_funds_mode 500
UnknownLanguage unknown_language 422
"""


def rows(table: str) -> list[list[str]]:
    """Return the words of every line."""
    return [line.split() for line in table.strip().splitlines()]


def pairs(table: str) -> list[tuple[str, str]]:
    """Return the sorted (from, to) pairs of a table of states."""
    return sorted((before.rstrip(":"), after) for before, *afters in rows(table) for after in afters)


# What each posting of tests/domain/test_postings.py (100.00, at 5 %) writes: the books, the key, the kind, then the transfers.
JOURNALS = """
paid 7 pay:alipay:T9 paid psp:alipay:clearing>order:41:escrow=10000
wallet 0 pay:wallet:P1 paid_from_wallet buyer:5:wallet>bridge:7=10000
wallet 7 pay:wallet:P1:in paid_from_wallet bridge:0>order:41:escrow=10000
topped 0 pay:alipay:T9 wallet_topped_up psp:alipay:clearing>buyer:5:wallet=10000
kept 7 pay:alipay:T9 paid_late_kept psp:alipay:clearing>unidentified:alipay=10000 unidentified:alipay>order:41:escrow=10000
late 7 pay:alipay:T9 paid_late psp:alipay:clearing>unidentified:alipay=10000
late 7 refund:R1:accepted refund_accepted unidentified:alipay>refund_payable:alipay=10000
accepted 7 refund:R1:accepted refund_accepted order:41:escrow>refund_payable:alipay=7000 order:41:escrow>refund_payable:wallet=3000
from 7 refund:R1:accepted refund_accepted order:41:escrow>refund_payable:alipay=7000 order:41:escrow>refund_payable:wallet=3000
done 7 refund:R1:1:done refund_done refund_payable:alipay>psp:alipay:available=10000
in-wallet 7 refund:R1:1:done refund_done_wallet refund_payable:wallet>bridge:0=10000
in-wallet 0 refund:R1:1:done:in refund_done_wallet bridge:7>buyer:5:wallet=10000
reversed 7 refund:R1:1:reversed refund_reversed psp:alipay:available>refund_payable:alipay=10000
confirmed 7 confirm:u99 confirmed order:41:escrow>merchant:7:pending=9500 order:41:escrow>commission=500
settled 7 settle:u99 settled merchant:7:pending>merchant:7:available=10000
held 7 case:C1:u99:hold case_held merchant:7:available>merchant:7:frozen=10000
freed 7 case:C1:u99:free case_freed merchant:7:frozen>merchant:7:pending=10000
unidentified 7 pay:alipay:T9 unidentified psp:alipay:clearing>unidentified:alipay=10000
returned 7 refund:R1:accepted refund_accepted unidentified:alipay>refund_payable:alipay=10000
matched 7 match:00-U1:in matched bridge:0>order:41:escrow=10000
matched 0 match:00-U1 matched unidentified:alipay>bridge:7=10000
matched-late 7 match:00-U1:in matched bridge:0>order:41:escrow=10000
matched-late 0 match:00-U1 matched unidentified:alipay>bridge:7=10000
matched-back 7 match:00-U1:in matched bridge:0>unidentified:alipay=10000
matched-back 7 refund:R1:accepted refund_accepted unidentified:alipay>refund_payable:alipay=10000
matched-back 0 match:00-U1 matched unidentified:alipay>bridge:7=10000
captured 7 pay:alipay:T9 paid psp:alipay:clearing>order:41:escrow=10000
captured-late 7 pay:alipay:T9 paid_late_kept psp:alipay:clearing>unidentified:alipay=10000 unidentified:alipay>order:41:escrow=10000
captured-back 7 pay:alipay:T9 paid_late psp:alipay:clearing>unidentified:alipay=10000
captured-back 7 refund:R1:accepted refund_accepted unidentified:alipay>refund_payable:alipay=10000
"""
