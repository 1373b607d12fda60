"""What guardians call to see whom they answer for; a youth, to see what guardians see, and what a birthday changes."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange
from broker.domain.errors import SignersUnknown
from broker.errors import UnknownPerson
from broker.usecases import growing, guarding
from tillit.wire import MyGrowing, MyGuardians, MyWards

endpoints = Endpoints()


@endpoints.get("/v1/me/wards", "person", gives=MyWards, refuses=(UnknownPerson, SignersUnknown))
def my_wards(given: Exchange[Any]) -> MyWards:
    """Everybody under age whom the person is a guardian of: what waits for guardians, what they see, and why."""
    return guarding.my_wards(person=given.person, ports=given.ports)


@endpoints.get(
    "/v1/me/guardians", "person", gives=MyGuardians, refuses=(UnknownPerson, SignersUnknown)
)
def my_guardians(given: Exchange[Any]) -> MyGuardians:
    """What the person's guardians see, from the same rule; and which of them have said what."""
    return guarding.my_guardians(person=given.person, ports=given.ports)


@endpoints.get("/v1/me/growing", "person", gives=MyGrowing, refuses=(SignersUnknown,))
def my_growing(given: Exchange[Any]) -> MyGrowing:
    """What a birthday within 60 days changes: who answers, what ends and is asked again, what guardians see no more."""
    return growing.growing(person=given.person, ports=given.ports)
