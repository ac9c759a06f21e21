"""What is said about refunds on their way: events, what comes next, why a person looks after one."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, Promise]
EVENTS: Words = MappingProxyType(
    {
        "refund_being_mended": _("%(channel)s could not reach the account and was asked to send %(amount)s another way"),
        "refund_waiting_funds": _("%(channel)s waits for funds of ours before it sends %(amount)s; it is asked again by itself"),
        "refund_overdue": _("%(amount)s has not arrived in time; %(channel)s is asked again and again"),
        "refund_late": _("%(amount)s has not arrived for six days; a person is looking into it"),
        "refund_bounced": _("%(channel)s took %(amount)s back after it had arrived; it is owed again"),
        "refund_to_wallet": _("The buyer chose to have %(amount)s in the wallet instead"),
        "refund_sent_again": _("%(amount)s is sent again under a new number"),
        "refund_called_off": _("The other way for %(amount)s was called off: the channel had paid under the number before"),
        "refund_taken_up": _("Somebody of the finance staff looks after the refund of %(amount)s"),
        "refund_looked_into": _("The finance staff have looked into the refund of %(amount)s"),
        "refund_transfer_begun": _("%(amount)s is transferred by hand"),
        "refund_transfer_given_up": _("The transfer of %(amount)s by hand was given up; nothing was sent"),
        "refund_transfer_entered": _("A transfer of %(amount)s was entered; a second person checks it"),
        "refund_return_entered": _("A transfer of %(amount)s came back from the bank; a second person checks it"),
        "refund_return_approved": _("The transfer of %(amount)s came back and is owed to the buyer again"),
        "refund_transfer_approved": _("The transfer of %(amount)s was checked by a second person"),
        "refund_outcome_entered": _("What %(channel)s shows about %(amount)s was entered; a second person checks it"),
        "refund_outcome_approved": _("What %(channel)s shows about %(amount)s was checked by a second person"),
        "refund_proof_refused": _("What was entered about %(amount)s was refused by a second person"),
    }
)
NEXT: Words = MappingProxyType(
    {
        "arrived": _("It has arrived; nothing is left to do."),
        "ask_channel": _("The channel is asked next, by itself."),
        "channel_pays": _("The channel has accepted it and pays it out."),
        "ask_again": _("The channel gave no certain answer; it is asked again by itself, more seldom over time."),
        "wait_for_funds": _("The channel waits for funds of ours. Finance staff were told; it is asked again by itself."),
        "to_wallet": _("It is put into your wallet next."),
        "person_looks": _("A person looks into it; nothing is sent twice meanwhile."),
        "person_transfers": _("A person transfers it; a second one checks the proof."),
        "buyer_may_choose": _("The channel could not complete it. You may take it into your wallet, or a person finds another way."),
    }
)
REASONS: Words = MappingProxyType(
    {
        "failed": _("The channel refused it for certain"),
        "closed": _("The channel closed every attempt"),
        "abnormal": _("The channel cannot reach the account"),
        "outcome_unknown": _("Sent once, outcome unknown"),
        "by_hand": _("To be transferred by hand"),
        "returned": _("A transfer by hand came back"),
        "reversed": _("It came back after it had arrived"),
        "late": _("Under way for six days"),
        "paid_twice": _("Paid by the channel after another way was taken"),
    }
)
# What finance staff do about each, in the order of trying.
ADVICE: Words = MappingProxyType(
    {
        "failed": _("Read the channel's reason. Mend it and send it again, or call the buyer and transfer it by hand."),
        "closed": _("Ask the channel why it closes them, then send it again, or transfer it by hand."),
        "abnormal": _("Call the buyer: they may take it into the wallet. Otherwise transfer it by hand."),
        "outcome_unknown": _("Look at the channel's own pages whether it was paid, and enter what they show. Never send it again before."),
        "returned": _("Look at our bank statement whether it is so. Then it is owed again: call the buyer for another account."),
        "by_hand": _("Ask the buyer for an account, transfer the whole sum, and enter the proof."),
        "reversed": _("The account was not reachable. Call the buyer: wallet, another try, or a transfer by hand."),
        "late": _("Call the channel. The refund goes on by itself as soon as the channel answers."),
        "paid_twice": _("Ask the buyer or the channel for the second payment back, then close this with a note."),
        "waiting_funds": _("Put funds into the channel's account; the refund then goes on by itself."),
        "unknown": _("The channel does not answer. It is asked every hour; call it when this is a day old."),
    }
)
_KEPT = _("The payer's bank keeps this payment. Send nothing before you are sure that it is still owed.")
# What they are warned of where the payer's bank took the payment back.
CHARGED_BACK: Words = MappingProxyType(
    {
        "open": _(
            "The payer's bank has taken this payment back, and the channel has not decided yet. Send nothing. "
            "If a transfer was made already, enter it now: one that is not entered counts as not made."
        ),
        "lost": _KEPT,
        "accepted": _KEPT,
    }
)
