"""A person's side of the demo: a synthetic identity provider, and what people do in their browsers.

Production takes tokens from ID-porten. Here the storyteller holds the issuer's key, made for
this run only, and speaks for synthetic people.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from pydantic import BaseModel

from tillit.wire import (
    CaseClaim,
    CaseView,
    ComplaintRequest,
    ConsentView,
    Contest,
    DepositAnswer,
    DigitalAnswer,
    GrantView,
    MyComplaints,
    MyConsents,
    MyContests,
    MyDisclosures,
    MyNotices,
    MyObjections,
    ObjectionRequest,
    OwnWords,
    Withdrawal,
)

ISSUER = "https://synthetic-id.invalid"
TOKEN_SECONDS = 300
_KID = "synthetic"
_Model = TypeVar("_Model", bound=BaseModel)


class SyntheticIssuer:
    """Signs access tokens for synthetic people. Its private key lives in this process only."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """``clock`` tells the seconds since 1970 that tokens are issued at."""
        self._clock = clock
        self._key = Ed25519PrivateKey.generate()

    def save_public(self, path: Path) -> None:
        """Write the public key as a JWK set, for the broker to check tokens with."""
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        jwk |= {"kid": _KID, "use": "sig", "alg": "EdDSA"}
        path.write_text(json.dumps({"keys": [jwk]}), encoding="utf-8")

    def token(self, national_id: str, *, audience: str) -> str:
        """An access token for the person, valid for five minutes."""
        now = int(self._clock())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "pid": national_id,
        }
        headers = {"kid": _KID, "typ": "at+jwt"}
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers=headers)


class RequestRefused(Exception):
    """The broker said no to the person."""


class Browser:
    """What one person sees and does under ``/v1/me``, logged in as themself."""

    def __init__(
        self, url: str, *, national_id: str, issuer: SyntheticIssuer, audience: str | None = None
    ) -> None:
        """``audience`` is the broker's own name, where that is not its address."""
        self._national_id = national_id
        self._issuer = issuer
        self._audience = audience or url
        self._http = httpx.Client(base_url=url, timeout=30.0)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def consent(self, identity: str) -> ConsentView:
        """One consent."""
        return self._get(f"/v1/me/consents/{identity}", ConsentView)

    def consents(self) -> tuple[ConsentView, ...]:
        """Everything the person has been asked for."""
        return self._get("/v1/me/consents", MyConsents).consents

    def answer(self, consent: ConsentView, answers: Mapping[str, Any]) -> ConsentView:
        """Answer line by line, having read the text."""
        body = DigitalAnswer(read=consent.text_sha256, answers=dict(answers))
        return self._post(f"/v1/me/consents/{consent.id}/answer", body, ConsentView)

    def answer_all(
        self, consent: str, say: Callable[[GrantView], bool], *, child_heard: bool = False
    ) -> ConsentView:
        """Answer every line that is shown; ``child_heard`` for a guardian who has heard the child."""
        view = self.consent(consent)
        said = {line.id: "yes" if say(line) else "no" for line in view.grants}
        body = DigitalAnswer.model_validate(
            {"read": view.text_sha256, "answers": said, "child_heard": child_heard}
        )
        return self._post(f"/v1/me/consents/{consent}/answer", body, ConsentView)

    def withdraw(self, consent: ConsentView) -> ConsentView:
        """Take the whole consent back."""
        return self._post(f"/v1/me/consents/{consent.id}/withdraw", Withdrawal(), ConsentView)

    def objects(self, category: str) -> MyObjections:
        """Speak against sharing a category."""
        body = ObjectionRequest(category=category, objects=True)
        return self._post("/v1/me/objections", body, MyObjections)

    def says(self, field: str, text: str) -> DepositAnswer:
        """Write something in their own words."""
        return self._post("/v1/me/voice", OwnWords(field=field, text=text), DepositAnswer)

    def contests(self, record: str, text: str) -> MyContests:
        """Say that a value is not right, and why."""
        return self._post("/v1/me/contests", Contest(record=record, text=text), MyContests)

    def complains(self, disclosure: str, reason: str) -> MyComplaints:
        """Say that a disclosure looks wrong, in a word of the catalogue."""
        body = ComplaintRequest(disclosure=disclosure, reason=reason)
        return self._post("/v1/me/complaints", body, MyComplaints)

    def complaints(self) -> MyComplaints:
        """What the person said looks wrong, and what was answered."""
        return self._get("/v1/me/complaints", MyComplaints)

    def claims(self, claim: str) -> CaseView:
        """Say that an anonymous case is about oneself, and let whoever told it know."""
        return self._post("/v1/me/anonymous-cases", CaseClaim(claim=claim, tell=True), CaseView)

    def disclosures(self) -> MyDisclosures:
        """Who asked about the person, why, and what came of it."""
        return self._get("/v1/me/disclosures", MyDisclosures)

    def notices(self) -> MyNotices:
        """What the person was told."""
        return self._get("/v1/me/notices", MyNotices)

    def _get(self, path: str, kind: type[_Model]) -> _Model:
        return self._read(self._http.get(path, headers=self._headers()), kind)

    def _post(self, path: str, body: BaseModel, kind: type[_Model]) -> _Model:
        headers = self._headers() | {
            "content-type": "application/json",
            "idempotency-key": secrets.token_urlsafe(16),
        }
        answer = self._http.post(path, content=body.model_dump_json(), headers=headers)
        return self._read(answer, kind)

    def _headers(self) -> dict[str, str]:
        token = self._issuer.token(self._national_id, audience=self._audience)
        return {"authorization": f"Bearer {token}", "accept-language": "en"}

    @staticmethod
    def _read(answer: httpx.Response, kind: type[_Model]) -> _Model:
        if not answer.is_success:
            raise RequestRefused(f"{answer.request.method} answered {answer.status_code}")
        return kind.model_validate_json(answer.content)
