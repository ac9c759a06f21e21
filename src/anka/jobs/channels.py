"""The payment channels of this installation, by code. The composition root fills the table; jobs look them up."""

from django.utils.translation import gettext_lazy as _

from anka.adapters.channels.port import Channel
from anka.core.refusals import Refusal

# The wallet is no channel: paying from it calls nobody. It is named here because people choose it like one.
WALLET = "wallet"

channels: dict[str, Channel] = {}


class ChannelUnknown(Refusal):
    """No such way to pay is configured."""

    code, status = "channel_unknown", 422
    says = _("This way to pay is not available. Nothing was charged; choose another one.")


def channel(code: str) -> Channel:
    """Return the channel with this code.

    Raises:
        ChannelUnknown: it is not configured.
    """
    try:
        return channels[code]
    except KeyError:
        raise ChannelUnknown(fields={"channel": ", ".join([*sorted(channels), WALLET])}) from None
