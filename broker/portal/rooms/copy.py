"""Everything: one file with all that the broker can show me."""

from broker.errors import NotASubject
from broker.portal.forms import Form
from broker.portal.pages import Answer, Pages, Saved, Visit, shown
from broker.usecases import me
from tillit.wire import MyCopy

pages = Pages()


@pages.get("/copy", "fresh")
def everything(_: Visit) -> Answer:
    """What the file holds, and the button."""
    return shown("copy.html")


@pages.post("/copy", "fresh", takes=Form)
def copy(visit: Visit) -> Answer:
    """The file: for other software, and readable in any text editor."""
    try:
        found = me.copy(person=visit.person, language=visit.language, ports=visit.ports)
    except NotASubject:
        found = MyCopy(
            generated_at=visit.ports.clock(),
            consents=(),
            disclosures=(),
            notices=(),
            objections=(),
            complete=True,
        )
    return Saved(found.model_dump_json(indent=2).encode(), "application/json", "tillit.json")
