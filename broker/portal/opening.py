"""Opening the portal: its pages as routes, where an identity provider is set."""

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute

from broker.api.door import Pool
from broker.portal import rooms
from broker.portal.entrance import Entrance, Nowhere
from broker.portal.looks import Looks
from broker.portal.oidc import Provider
from broker.portal.pages import STAFF, Hall, Page, StaffDoor
from broker.portal.workplaces import Workplaces
from broker.ports import Ports
from broker.settings import Settings

ANSWER = "/login/answer"
"""Where the identity provider sends browsers back to: what the client's registration there must name."""
STAFF_ANSWER = f"{STAFF}/login/answer"
"""The same for employees, in their own client's registration."""
ABROAD = frozenset({"/login", ANSWER, f"{STAFF}/login", STAFF_ANSWER})
"""Pages that ask the identity provider: they wait for it in threads of their own, so that nobody else does."""
ABROAD_THREADS, ABROAD_WAITING = 4, 64
LONG = frozenset({"POST /copy"})
"""What takes long and much memory for one person: one at a time, and nobody who looks at another page waits for it."""
LONG_THREADS, LONG_WAITING = 1, 16


def opening(
    settings: Settings, renewed: Callable[[], Ports]
) -> Callable[[Pool], Sequence[BaseRoute]]:
    """What makes the portal's routes; none without an identity provider."""

    def routes(pool: Pool) -> Sequence[BaseRoute]:
        issuer, client, key = settings.login_issuer, settings.login_client, settings.login_key_file
        if issuer is None or client is None or key is None:
            return ()
        provider = Provider(
            issuer,
            client_id=client,
            key_file=key,
            redirect_uri=f"{settings.issuer}{ANSWER}",
            clock=lambda: renewed().clock(),
        )
        hall = Hall(
            renewed=renewed,
            provider=provider,
            looks=Looks(demo=settings.mode == "demo"),
            https=settings.issuer.startswith("https:"),
            staff=_staff_door(settings, renewed),
        )
        abroad = pool.beside(ABROAD_THREADS, ABROAD_WAITING)
        slow = pool.beside(LONG_THREADS, LONG_WAITING)

        def pool_of(page: Page) -> Pool:
            if page.route in LONG:
                return slow
            return abroad if page.path in ABROAD else pool

        pages = [
            Entrance(page, hall=hall, pool=pool_of(page))
            for page in rooms.every()
            if hall.staff is not None or not page.staff
        ]
        return [*pages, Nowhere(hall=hall, pool=pool)]

    return routes


def _staff_door(settings: Settings, renewed: Callable[[], Ports]) -> StaffDoor | None:
    """What employees come in by; none without a provider of theirs.

    Raises:
        SettingsWrong: the list of units cannot be used.
    """
    issuer, client = settings.staff_login_issuer, settings.staff_login_client
    key, units = settings.staff_login_key_file, settings.staff_units_file
    if issuer is None or client is None or key is None or units is None:
        return None
    provider = Provider(
        issuer,
        client_id=client,
        key_file=key,
        redirect_uri=f"{settings.issuer}{STAFF_ANSWER}",
        clock=lambda: renewed().clock(),
    )
    return StaffDoor(provider, Workplaces.read(units))
