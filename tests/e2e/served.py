"""A broker that serves, and the two clients' ways in, for the end-to-end tests of the SDK."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from broker.domain.ids import UnitId
from broker.domain.service_keys import ServiceKey as RegisteredKey
from tests import shells
from tests.house import ACTOR, EMIL, LARVIK, House
from tests.shells import Shell
from tests.tampering import AsyncTampering, Tampering
from tillit import Retries, ServiceKey, Subject, wire

RATE, BAND = "education.attendance.rate", "education.attendance.band"
DIAGNOSIS = "health.diagnosis"
SCHOOL, NAV, OT = "thor-heyerdahl-vgs", "nav-larvik", "ot-vestfold"
ABOUT: dict[str, Any] = {"purpose": "coordination", "collaboration": LARVIK, "actor": ACTOR}
QUICK = Retries(attempts=8, within=10.0, first_wait=0.01, longest_wait=0.1)


@dataclass
class Served:
    """A broker that serves, and the ways in."""

    house: House
    url: str
    stack: ExitStack
    kind: str

    def shell(self, unit: str, **more: Any) -> Shell:
        """A client of the kind that is tested."""
        key = self.house.keys.get(unit)
        given = {"service": unit, "key": key, "clock": self.house.clock, "retries": QUICK, **more}
        return self.stack.enter_context(shells.opened(self.kind, self.url, **given))

    def tampered(self, unit: str, path: str, change: Callable[[Any], Any], **more: Any) -> Shell:
        """A client whose answers on a path are changed on their way."""
        carrier = Tampering if self.kind == "sync" else AsyncTampering
        return self.shell(unit, transport=carrier(path, change), **more)

    def deposit(self, values: dict[str, Any], **more: Any) -> None:
        """The school deposits something about Emil."""
        school = self.shell(SCHOOL, **more)
        emil = school("subject", national_id=EMIL)
        school("deposit", emil, values, **self.observed())

    def observed(self) -> dict[str, Any]:
        """What values observed an hour ago have in common."""
        hour_ago = self.house.clock() - timedelta(hours=1)
        return {"observed_at": hour_ago, "basis": "measured", "author_role": "teacher"}

    def requested(self, shell: Shell, **more: Any) -> wire.ConsentView:
        """Nav asks Emil for a consent."""
        asked = {
            "services": [NAV, SCHOOL],
            "purposes": ["coordination"],
            "categories": ["education"],
            "collaboration": LARVIK,
            "actor": ACTOR,
            **more,
        }
        emil = shell("subject", national_id=EMIL)
        view: wire.ConsentView = shell("request_consent", emil, **asked)
        return view

    def consented(self) -> wire.ConsentView:
        """Emil has said yes to every line of a consent."""
        return self.house.answer(self.requested(self.shell(NAV)), EMIL)

    def released(self) -> tuple[Shell, Subject]:
        """Everything is ready for Nav to ask for the rate."""
        self.deposit({RATE: 0.62})
        self.consented()
        nav = self.shell(NAV)
        return nav, nav("subject", national_id=EMIL)

    def register(self, key: ServiceKey) -> None:
        """The unit's newest keys, as the operator's rotation puts them in."""
        self.house.clock.step(seconds=1)
        with self.house.ports.store.write() as tx:
            tx.add_service_keys(
                [
                    RegisteredKey(UnitId(key.unit), jwk["kid"], jwk["use"], jwk)
                    for jwk in key.public_jwks()["keys"]
                ],
                at=self.house.clock(),
            )
