"""How the story looks in the terminal: chapters, what each party did, saw and did not see."""

import os
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from broker.demo.people import SHORT_NAMES
from broker.domain.catalogue import Catalogue
from tillit.wire import ConsentView, GrantView, MyDisclosure

WIDEST = 110
NARROWEST = 60
BANNER = (
    "DEMO MODE. Synthetic people: nobody in this story exists, and no number here can be anyone's."
)


class Teller:
    """Writes to one console, in plain English, with the catalogue's words for things."""

    def __init__(self, catalogue: Catalogue, *, console: Console | None = None) -> None:
        self.console = console or _console()
        self._catalogue = catalogue
        self._chapter = 0

    # --- words

    def unit(self, unit: str) -> str:
        """What a unit is called: in short where people have a short name for it."""
        return SHORT_NAMES.get(unit) or self._catalogue.text("unit", unit, "en")

    def field(self, name: str) -> str:
        """What a field is called, by whoever it is about."""
        return self._catalogue.text("field", name, "en")

    def purpose(self, purpose: str) -> str:
        """What a purpose is called."""
        return self._catalogue.text("purpose", purpose, "en")

    def category(self, category: str) -> str:
        """What a category is called."""
        return self._catalogue.text("category", category, "en")

    # --- the frame

    def banner(self) -> None:
        """Say first of all that this is a demo."""
        self.console.print(Panel(Text(BANNER, justify="center"), style="bold yellow"))

    def chapter(self, title: str, prose: str) -> None:
        """Begin a chapter."""
        self._chapter += 1
        self.console.print()
        self.console.rule(f"[bold]{self._chapter}. {title}", align="left")
        self.prose(prose)

    def prose(self, text: str) -> None:
        """A paragraph."""
        self.console.print(Text(" ".join(textwrap.dedent(text).split())))

    def line(self, text: str) -> None:
        """One line about what a machine did."""
        self.console.print(Text(f"  {text}", style="cyan"))

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Bars for what takes more than a second."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as bars:
            yield bars

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show that something is being done; in a terminal it turns, elsewhere it says how long it took."""
        begun = time.monotonic()
        with self.console.status(f"{text} …"):
            yield
        self.line(f"{text}: {time.monotonic() - begun:.1f} s")

    def next_steps(self, url: str, commands: Sequence[tuple[str, str]]) -> None:
        """What to try while the broker goes on serving."""
        self.console.print()
        self.console.rule("[bold]What to try next", align="left")
        self.prose(f"The broker serves on {url} until Ctrl-C. In another terminal, from here:")
        for what, command in commands:
            self.console.print(Text(f"\n# {what}", style="dim"))
            self.console.print(Text(command), soft_wrap=True)

    # --- what a service holds and learned

    def holdings(self, held: Mapping[str, Sequence[str]]) -> None:
        """What each service has deposited about one youth, by field."""
        table = Table(box=box.SIMPLE_HEAD, expand=True)
        table.add_column("service", ratio=3)
        table.add_column("holds, sealed", ratio=13)
        for unit, fields in held.items():
            table.add_row(self.unit(unit), "; ".join(self.field(name) for name in fields))
        self.console.print(table)

    def answered(self, unit: str, role: str, report: Mapping[str, Any]) -> None:
        """One ask: what the service saw, and what it did not see and why."""
        table = Table(
            title=f"{self.unit(unit)} ({role}): {_OUTCOMES[report['outcome']]}",
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            expand=True,
        )
        table.add_column("asked for", ratio=4)
        table.add_column("", width=1)
        table.add_column("saw, or why not", ratio=6)
        for name, seen in report.get("values", {}).items():
            source = f"  ({self.unit(seen['source'])})"
            table.add_row(self.field(name), "[green]✓", f"{_shown(seen['value'])}[dim]{source}")
        for name, reasons in report["withheld"].items():
            why = " ".join(reason["text"] for reason in reasons)
            codes = ", ".join(reason["code"] for reason in reasons)
            table.add_row(self.field(name), "[red]✗", f"{why} [dim]{codes}")
        self.console.print(table)

    def around_the_table(
        self,
        fields: Sequence[str],
        reports: Mapping[str, Any],
        *,
        held: Mapping[str, Sequence[str]],
    ) -> None:
        """The same question from every seat at a meeting: who saw what, beside what it holds itself."""
        table = Table(box=box.SIMPLE_HEAD, expand=True)
        table.add_column("at the table", ratio=5)
        for name in fields:
            table.add_column(self.field(name), justify="center", ratio=3)
        for unit, report in reports.items():
            values = report["values"]
            cells = [_seat(values, name, own=name in held[unit]) for name in fields]
            table.add_row(self.unit(unit), *cells)
        self.console.print(table)

    # --- what Emil sees

    def consent(self, consent: ConsentView) -> None:
        """The lines of a consent, those that differ only in who gets it told in one row."""
        table = Table(box=box.SIMPLE_HEAD, expand=True)
        table.add_column("lines", ratio=2)
        table.add_column("from", ratio=4)
        table.add_column("to", ratio=6)
        table.add_column("what", ratio=4)
        table.add_column("why", ratio=4)
        table.add_column("answer", ratio=2)
        ordered = sorted(consent.grants, key=_row)
        for (purpose, category, source, _, answer), grants in groupby(ordered, key=_row):
            lines = list(grants)
            to = ", ".join(self.unit(grant.recipient) for grant in lines)
            table.add_row(
                _numbers(lines),
                self.unit(source),
                to,
                self.category(category) + (" [bold](special)" if lines[0].special else ""),
                self.purpose(purpose),
                _ANSWERS[answer],
            )
        self.console.print(table)

    def disclosures(self, disclosures: Iterable[MyDisclosure]) -> None:
        """Everything that was asked about him, newest last."""
        table = Table(box=box.SIMPLE_HEAD, expand=True)
        table.add_column("when", width=8)
        table.add_column("who", ratio=5)
        table.add_column("why", ratio=4)
        table.add_column("shared", ratio=6)
        table.add_column("not shared", ratio=6)
        for one in disclosures:
            shared = [self.field(name) for name, field in one.fields.items() if field.shared]
            kept = [self.field(name) for name, field in one.fields.items() if not field.shared]
            table.add_row(
                f"{one.at.astimezone():%H:%M:%S}",
                f"{self.unit(one.recipient)}, {one.role}",
                self.purpose(one.purpose),
                "; ".join(shared) or "[red]nothing",
                "; ".join(kept) or "[green]nothing",
            )
        self.console.print(table)


_OUTCOMES = {
    "released": "got everything it asked for",
    "partly_released": "got some of it",
    "refused": "got nothing",
}
_ANSWERS = {"yes": "[green]yes", "no": "[red]no", "": "[dim]not yet"}


def _console() -> Console:
    """A console of the terminal's width, within what reads well; plain where output is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        return Console(highlight=False, width=WIDEST)
    return Console(highlight=False, width=max(NARROWEST, min(console.width, WIDEST)))


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(str(item) for item in value)
    if isinstance(value, float) and 0 <= value <= 1:
        return f"{value:.0%}"
    return str(value)


def _seat(values: Mapping[str, Any], name: str, *, own: bool) -> str:
    if name in values:
        return f"[green]{_shown(values[name]['value'])}"
    return "[dim]its own" if own else "[red]✗"


def _row(grant: GrantView) -> tuple[str, str, str, bool, str]:
    return grant.purpose, grant.category, grant.source, grant.special, grant.answer or ""


def _numbers(grants: Sequence[GrantView]) -> str:
    """The ids of lines that were told in one row."""
    ids = sorted(int(grant.id[1:]) for grant in grants)
    if len(ids) > 1 and ids[-1] - ids[0] == len(ids) - 1:
        return f"g{ids[0]}-{ids[-1]}"
    return ", ".join(f"g{number}" for number in ids)
