"""Everything: one file with all that the broker can show me."""

from broker.portal.forms import Form
from broker.portal.pages import Answer, Pages, Saved, Visit, shown
from broker.usecases import me

pages = Pages()


@pages.get("/copy", "fresh")
def everything(_: Visit) -> Answer:
    """What the file holds, and the button."""
    return shown("copy.html")


@pages.post("/copy", "fresh", takes=Form)
def copy(visit: Visit) -> Answer:
    """The file: for other software, and readable in any text editor."""
    found = me.copy(person=visit.person, language=visit.language, ports=visit.ports)
    return Saved(found.model_dump_json(indent=2).encode(), "application/json", "tillit.json")
