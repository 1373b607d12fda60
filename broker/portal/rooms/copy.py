"""Everything: one archive with all that the broker can show me, to read and for other software."""

from broker.exports import archive
from broker.portal import taking
from broker.portal.forms import Form
from broker.portal.pages import Answer, Pages, Saved, Visit, shown

pages = Pages()


@pages.get("/copy", "fresh")
def everything(_: Visit) -> Answer:
    """What the archive holds, and the button."""
    return shown("copy.html")


@pages.post("/copy", "fresh", takes=Form)
def copy(visit: Visit) -> Answer:
    """The archive. The values in it are read for it, and that reading is an entry like any other."""
    content = archive.packed(taking.files(visit), at=visit.ports.clock())
    return Saved(content, archive.MEDIA_TYPE, "tillit.zip")
