"""How the pretended Alipay reads requests and signs answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from anka.adapters.channels import alipay_wire as wire
from anka.domain.money import BadAmount, parse_amount
from anka.sandbox.exchange import Refused, Reply, Request

Content = dict[str, Any]
LONGEST_NUMBER = 256


class SignedWrongly(Exception):
    """A request was not signed by the application, or lacks what every request has; `sub_code` is Alipay's word for it."""

    code: ClassVar[str] = "signed_wrongly"
    status: ClassVar[int] = 401

    def __init__(self, sub_code: str) -> None:
        """Keep Alipay's word."""
        super().__init__(sub_code)
        self.sub_code = sub_code


class ContentMalformed(Refused):
    """The request lacks a field, or has one that cannot be."""

    code = "malformed"
    status = 422


class Signer:
    """Signs as Alipay, or as a stranger where a fault wants it."""

    def __init__(self, *, key: RSAPrivateKey) -> None:
        """Keep Alipay's key."""
        self._key = key

    def sign(self, *, content: bytes, disguise: str = "") -> str:
        """Return the signature of these bytes; with the disguise `forged`, that of somebody else."""
        return wire.sign(key=_strangers_key() if disguise == "forged" else self._key, content=content)

    def signed(self, *, method: str, node: Content, forged: object = False) -> Reply:
        """Return an answer, signed over its node byte for byte."""
        return self.reply(method=method, node=node, signature=self.sign(content=_written(node), disguise="forged" if forged else ""))

    def reply(self, *, method: str, node: Content, signature: str) -> Reply:
        """Return an answer with this signature; without one where it is empty."""
        sign = f',"sign":"{signature}"' if signature else ""
        body = f'{{"{wire.node_name(method=method)}":'.encode() + _written(node) + f"{sign}}}".encode()
        return Reply(status=200, body=body, content_type=f"text/html;charset={wire.CHARSET}")


def _written(node: Content) -> bytes:
    # Alipay writes slashes with a backslash: whoever decodes and encodes again before verifying finds another text.
    return json.dumps(node, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/").encode()


@functools.cache
def _strangers_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65_537, key_size=wire.SHORTEST_KEY_BITS)


def read_parameters(*, request: Request) -> dict[str, str]:
    """Return the parameters of a request, from its query and its body. Raises ContentMalformed."""
    try:
        in_query = wire.read_form(text=request.query.encode("ascii", "replace")) if request.query else {}
        in_body = wire.read_form(text=request.body) if request.body else {}
    except wire.FormMalformed as reason:
        raise ContentMalformed("Nothing was changed: query and body have to be forms.") from reason
    if any(in_query[name] != in_body[name] for name in in_query.keys() & in_body.keys()):
        raise ContentMalformed("Nothing was changed: query and body name different things.")
    return in_query | in_body


def read_content(*, parameters: Mapping[str, str]) -> Content:
    """Return biz_content. Raises SignedWrongly."""
    try:
        return msgspec.json.decode(parameters.get("biz_content", ""), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError) as reason:
        raise SignedWrongly("isv.invalid-parameter") from reason


def named_in(content: Content, name: str) -> str:
    """Return a text that has to be there. Raises ContentMalformed."""
    value = content.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_NUMBER:
        raise ContentMalformed(f"Nothing was changed: {name} is missing.")
    return value


def sum_in(content: Content, name: str) -> int:
    """Return an amount in 分, written as text or as a number. Raises ContentMalformed."""
    try:
        amount_minor = parse_amount(text=str(content.get(name, "")), currency="CNY")
    except BadAmount as reason:
        raise ContentMalformed(f"Nothing was changed: {name} is not an amount.") from reason
    if amount_minor < 1:
        raise ContentMalformed(f"Nothing was changed: {name} is nothing.")
    return amount_minor


def refusal(*, code: str, sub_code: str) -> Content:
    """Return the node of a refusal."""
    return {"code": code, "msg": "Business Failed" if code == "40004" else "Invalid Arguments", "sub_code": sub_code, "sub_msg": sub_code}
