"""A token of Maskinporten's, for a grant that the broker signs (RFC 7523 § 2.1; docs.digdir.no, JWT grant)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from authlib.oauth2.rfc7523.assertion import sign_jwt_bearer_assertion
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from broker.channels.asking import ask
from broker.errors import ChannelDown

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANT_SECONDS = 60
MAX_TOKEN_CHARS = 8192
ALGORITHM: Mapping[str, str] = {"RSA": "RS256", "EC": "ES256"}


@dataclass(frozen=True, slots=True)
class Maskinporten:
    """Who gives tokens, and who the broker is there. The private key is read anew for each."""

    issuer: str
    client: str
    key_file: Path
    clock: Callable[[], datetime]

    def token(self, scope: str) -> str:
        """A token for a scope.

        Raises:
            ChannelDown: there is none.
        """
        form = {"grant_type": GRANT_TYPE, "assertion": self._grant(scope)}
        answer = ask("POST", f"{self.issuer.rstrip('/')}/token", form=form)
        if not answer.is_good:
            raise ChannelDown(f"no token: {answer.status}")
        try:
            return token_in(json.loads(answer.body)["access_token"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ChannelDown("no token in the answer") from None

    def _grant(self, scope: str) -> str:
        """No member but those that Maskinporten documents: it refuses others."""
        now = int(self.clock().timestamp())
        try:
            jwk = json.loads(self.key_file.read_bytes())
            algorithm = ALGORITHM[jwk["kty"]]
            key = import_key(jwk)
            signed = sign_jwt_bearer_assertion(
                key,
                issuer=self.client,
                audience=self.issuer,
                issued_at=now,
                expires_at=now + GRANT_SECONDS,
                claims={"scope": scope},
                header={"alg": algorithm, "kid": key.kid},
            )
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            raise ChannelDown("the client's key cannot be used") from None
        return str(signed)


def token_in(said: object) -> str:
    """What may be sent in a header as a token.

    Raises:
        ChannelDown: it is none.
    """
    if not isinstance(said, str) or not said.isascii() or not said.isprintable():
        raise ChannelDown("not a token")
    if not 0 < len(said) <= MAX_TOKEN_CHARS or " " in said:
        raise ChannelDown("not a token")
    return said
