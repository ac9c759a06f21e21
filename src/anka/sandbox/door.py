"""Who may come in: requests signed by the merchant, each once, and signed answers to them."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_wire import Envelope, Expected, Purpose, WireRefused
from anka.core.clock import Moment
from anka.sandbox.exchange import Refused, Reply, Request, json_reply
from anka.sandbox.protocols.base import Core


class NonceReused(Refused):
    """A signed request was sent a second time."""

    code = "nonce_reused"
    status = 409


class Door:
    """Checks requests of the sandbox's own protocol and signs what is answered."""

    def __init__(self, *, core: Core, merchant_key: Ed25519PublicKey, gateway_key: Ed25519PrivateKey, clock: Callable[[], Moment]) -> None:
        self._core = core
        self._merchant_key = merchant_key
        self._gateway_key = gateway_key
        self._clock = clock

    def answer(self, *, request: Request, moment: Moment, handle: Callable[[Request, Moment], Reply]) -> Reply:
        """Let a genuine request be handled, and return the signed answer. Raises HungUp."""
        expected = Expected(purpose=Purpose.REQUEST, method=request.method, path=request.target)
        try:
            asked = sandbox_wire.verify(
                key=self._merchant_key, headers=request.headers, body=request.body, expected=expected, real_now=moment.real
            )
        except WireRefused as refused:
            # Whoever cannot sign gets no signature back.
            return json_reply(status=refused.status, message={"code": refused.code, "detail": str(refused)})
        try:
            if not self._core.is_new(nonce=asked.nonce, moment=moment):
                raise NonceReused("Nothing was changed: this very request was sent before. Sign a new one.")
            reply = handle(request, moment)
        except Refused as refusal:
            reply = json_reply(status=refusal.status, message={"code": refusal.code, "detail": str(refusal)})
        return self._signed(request=request, reply=reply, nonce=asked.nonce)

    def _signed(self, *, request: Request, reply: Reply, nonce: str) -> Reply:
        if reply.headers.get("Anka-Signature"):
            # A fault has already put its own signature there.
            return reply
        envelope = Envelope(
            purpose=Purpose.ANSWER,
            method=str(reply.status),
            path=request.target,
            timestamp=int(self._clock().real.timestamp()),
            nonce=nonce,
        )
        headers = sandbox_wire.signed_headers(key=self._gateway_key, envelope=envelope, body=reply.body)
        return Reply(status=reply.status, body=reply.body, content_type=reply.content_type, headers={**reply.headers, **headers})
