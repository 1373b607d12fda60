"""A new collaboration to fill in: its file, its units and its decision table, with comments in plain words."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from broker.engine.documents import Problem, Written

MARK = "FILL-IN"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_AGREEMENT = """\
# What the services in this collaboration have agreed on. Write something in place of each FILL-IN, and change the rest where
# it is otherwise with you. broker/docs/collaborations.md explains every member.
{id}:
  # The name, as a youth reads it.
  labels:
    nb: FILL-IN name in Bokmål
    nn: FILL-IN name in Nynorsk
    en: FILL-IN name in English
  # Where the agreement can be read.
  source: FILL-IN the agreement and its date
  # From when it holds, and until when. Midnight in Norway is 23:00 the day before in winter, 22:00 in summer.
  valid_from: "2026-12-31T23:00:00.000000Z"
  valid_until: null
  # forum (services meet about cases), meeting_place, individual, panel, or system (never about a person).
  arena: forum
  # Whether the youth takes part when the services meet.
  subject_present: false
  # Whom it is for, both ages included.
  ages: {{min: 16, max: 25}}
  # How often you meet: day, week, fortnight, month, quarter, year or ad_hoc.
  cadence: {{every: month}}
  # The unit that calls the meetings. It is a member too.
  coordinator: FILL-IN unit
  # What it is for. The names stand in facts/catalogue/purposes.yaml.
  purposes: [case_discussion, coordination]
  # What a yes to a whole category may reach here. The names stand in facts/catalogue/categories.yaml.
  categories: [contact, involvement, education, work, functioning, plan, voice]
  # How a yes is given, whether it comes before the case is listed, and what it is bound to.
  consent: {{forms: [oral, written, digital], before_listing: true, condition: standing}}
  # Whether one holder of parental responsibility signs for the youngest, or all do.
  guardians_rule: all
  # How long a yes lasts when nothing is said, and at most. A year is the law's end.
  default_days: 182
  max_days: 365
  # How long after a no before the same may be asked again.
  cooldown_days: 30
  # How long a service keeps what it was told.
  erase_after: P30D
  # Who keeps the ball: reporting_service, coordinator, chosen_by_subject or stafettholder.
  responsible:
    id: reporting_service
    labels:
      nb: Tjenesten som melder saken, beholder den.
      nn: Tenesta som melder saka, held på ho.
      en: The service that brings the case keeps it.
  # Purposes for which a meeting must have been announced to the youth. Often none.
  meeting_required_for: []
  # Rules of your own, as the youth reads them.
  rules: []
  # Who takes part: always, or in turns (fixed); or when asked (on_demand). From when, and until when.
  # The units' ids stand in facts/units/. A new one gets its entry in facts/units/{id}.yaml.
  members:
    FILL-IN-unit: {{attendance: fixed, valid_from: "2026-12-31T23:00:00.000000Z", valid_until: null}}
    FILL-IN-another-unit: {{attendance: on_demand, valid_from: "2026-12-31T23:00:00.000000Z", valid_until: null}}
"""

_UNITS = """\
# Units that take part in {id} and stand in no other file of this folder. Are all there already? Delete this file.
FILL-IN-unit:
  # The kind of service: facts/catalogue/service_types.yaml.
  type: FILL-IN kind
  # As the other files of this folder write them. No municipality, for a unit of the whole county: null.
  place: {{county: FILL-IN county, municipality: FILL-IN municipality}}
  # state, county, municipal, private or voluntary.
  sector: municipal
  # Which duty of confidentiality it is under: facts/law/regimes.yaml.
  regime: FILL-IN regime
  # What people there may call themselves when they ask. The words are yours: small letters, no spaces.
  roles: [veileder, leder]
  pledge_until: null
  labels: {{nb: FILL-IN name in Bokmål, nn: FILL-IN name in Nynorsk, en: FILL-IN name in English}}
"""

_TABLE = """\
# Decisions in {id}, one case a paragraph: who asks for what and why, what the youth has said, and what the answer must be.
# At least eight, at least half of them refusals. What a case leaves out is the ordinary: 19 years old, an active consent.
# Fields stand in facts/catalogue/fields.yaml, reasons for an answer in facts/catalogue/reasons.yaml.
# Run them with: tillit-broker policy try {directory} {id}
{id}:
  - name: what was said yes to is shared
    ask: {{recipient: FILL-IN unit, purpose: case_discussion, fields: [education.attendance.rate]}}
    consents: [{{grants: ["FILL-IN-source -> FILL-IN-unit: education for case_discussion"]}}]
    answer: {{education.attendance.rate: permit}}
  - name: without a yes nothing is shared
    ask: {{recipient: FILL-IN unit, purpose: case_discussion, fields: [education.attendance.rate]}}
    consents: []
    answer: {{education.attendance.rate: [consent.none]}}
"""


class ScaffoldError(ValueError):
    """The files cannot be made; the text says why."""


def make(identity: str, directory: Path, *, release: Path) -> tuple[Path, ...]:
    """Write the three files into a directory of policies; one that is not there yet starts as a copy of the release's own.

    Raises:
        ScaffoldError: the id is none, or a file of that name is there already.
    """
    if not _ID.fullmatch(identity) or len(identity) > 64:  # noqa: PLR2004 (an id's longest)
        raise ScaffoldError("an id is small letters and digits, joined by hyphens: fagteam-larvik")
    files = {
        directory / "facts" / "collaborations" / f"{identity}.yaml": _AGREEMENT,
        directory / "facts" / "units" / f"{identity}.yaml": _UNITS,
        directory / "tables" / f"{identity}.yaml": _TABLE,
    }
    if not directory.exists():
        shutil.copytree(release, directory, ignore=shutil.ignore_patterns(".regal.yaml"))
    there = [file for file in files if file.exists()]
    if there:
        raise ScaffoldError(f"{there[0]} is there already")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(id=identity, directory=directory), encoding="utf-8")
    return tuple(files)


def unfilled(written: Written) -> Iterator[Problem]:
    """Every place that is still to be filled in."""
    for trail, (file, line) in written.places.items():
        value, name = written.at(*trail), str(trail[-1])
        if name.startswith(MARK):
            yield Problem(file, line, f"`{name}` is still to be filled in", "the unit's id")
        elif isinstance(value, str) and value.startswith(MARK):
            what = value.removeprefix(MARK).strip() or "what the comment above it says"
            yield Problem(file, line, f"`{name}` is still to be filled in", what)


def unfilled_tables(directory: Path) -> Iterator[Problem]:
    """Every line of a decision table that is still to be filled in."""
    for file in sorted((directory / "tables").glob("*.yaml")):
        text = file.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if MARK in line and not line.lstrip().startswith("#"):
                where = file.relative_to(directory).as_posix()
                yield Problem(where, number, "a unit is still to be filled in", "the unit's id")
