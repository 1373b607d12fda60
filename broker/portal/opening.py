"""Opening the portal: its pages as routes, where an identity provider is set."""

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute

from broker.api.door import Pool
from broker.portal import rooms
from broker.portal.entrance import Entrance, Nowhere
from broker.portal.looks import Looks
from broker.portal.oidc import Provider
from broker.portal.pages import Hall
from broker.ports import Ports
from broker.settings import Settings

ANSWER = "/login/answer"
"""Where the identity provider sends browsers back to: what the client's registration there must name."""
ABROAD = frozenset({"/login", ANSWER})
"""Pages that ask the identity provider: they wait for it in threads of their own, so that nobody else does."""
ABROAD_THREADS, ABROAD_WAITING = 4, 64


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
        )
        abroad = pool.beside(ABROAD_THREADS, ABROAD_WAITING)
        pages = [
            Entrance(page, hall=hall, pool=abroad if page.path in ABROAD else pool)
            for page in rooms.every()
        ]
        return [*pages, Nowhere(hall=hall, pool=pool)]

    return routes
