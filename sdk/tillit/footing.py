"""What every conversation with the broker stands on, without I/O: the trust root, a token, keys of idempotency.

A conversation is a generator: it yields the requests to send, is sent the responses, and returns the
result. ``Client`` and ``AsyncClient`` only carry requests and responses across.
"""

import re
from collections.abc import Callable, Generator
from datetime import datetime
from typing import TypeVar

from tillit import errors, protocol, receipts, succession, wire
from tillit.keys import ServiceKey
from tillit.protocol import Call, Request
from tillit.responses import Response, Token

T = TypeVar("T")
Flow = Generator[Request, Response, T]

_KEY_BYTES = 16
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9._:-]{8,128}", re.ASCII)
_UNAUTHORIZED = 401


class Footing:
    """Who one service is to the broker, and the broker to it: keys, token, trust root."""

    def __init__(
        self,
        key: ServiceKey,
        *,
        trust: wire.BrokerKeys | None,
        language: wire.Language,
        clock: Callable[[], datetime],
        randomness: Callable[[int], bytes],
    ) -> None:
        self._key = key
        self._trust = trust
        self._language = language
        self._clock = clock
        self._randomness = randomness
        self._token: Token | None = None

    @property
    def service(self) -> str:
        """The unit that this session speaks for."""
        return self._key.unit

    def trust(self) -> Flow[wire.BrokerKeys]:
        """The trust root: as pinned, else as first fetched and then never changed."""
        if self._trust is None:
            fetched = yield from self._call(protocol.broker_keys())
            # Another conversation may have been first, and only one answer is ever believed.
            self._trust = self._trust or fetched
        return self._trust

    def _trust_for(self, receipt: str) -> Flow[wire.BrokerKeys]:
        """The trust root; it follows the broker to a new receipt key that one it trusts has vouched for."""
        trust = yield from self.trust()
        known = {jwk.get("kid") for jwk in trust.receipts.get("keys", ())}
        if receipts.signed_by(receipt) not in known:
            fetched = yield from self._call(protocol.broker_keys())
            trust = self._trust = succession.followed(trust, fetched)
        return trust

    def _call(self, call: Call[T]) -> Flow[T]:
        """One call, with a token where it needs one; a token that is refused is renewed once."""
        request = call.request.having(accept_language=self._language)
        if call.anonymous:
            return call.read((yield request))
        response = yield from self._sent(request, fresh=False)
        if response.status == _UNAUTHORIZED:
            response = yield from self._sent(request, fresh=True)
        return call.read(response)

    def _sent(self, request: Request, *, fresh: bool) -> Flow[Response]:
        token = self._token
        if token is None or fresh or self._clock() >= token.use_until:
            token = yield from self._new_token()
        return (yield request.having(authorization=f"Bearer {token.value}"))

    def _new_token(self) -> Flow[Token]:
        trust = yield from self.trust()
        call = protocol.token(
            trust.issuer, self._key, clock=self._clock, randomness=self._randomness
        )
        self._token = yield from self._call(call)
        return self._token

    def _idempotency_key(self, given: str | None) -> str:
        if given is None:
            return self._randomness(_KEY_BYTES).hex()
        if not _IDEMPOTENCY_KEY.fullmatch(given):
            raise errors.UsageError("an idempotency key is 8 to 128 letters, digits or ._:-")
        return given
