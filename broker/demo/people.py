"""The twelve youths of the demo: invented people with fixed synthetic identity numbers."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from broker.demo.national_ids import Gender

Protection = Literal["none", "confidential", "strictly_confidential"]
Status = Literal["school", "work", "nav_measure", "unemployed", "other"]
Benefit = Literal["social_assistance", "aap", "qualification", "other", "none"]
Difficulty = Literal["mental_health", "child_welfare", "health", "substance"]


@dataclass(frozen=True, slots=True)
class Guardian:
    """Someone with parental responsibility, as the register has them."""

    national_id: str
    born: date


@dataclass(frozen=True, slots=True)
class Youth:
    """A synthetic youth: what the register knows, and what shapes the records that services hold.

    ``guardians`` are the holders of parental responsibility, empty from 18. ``units`` are the
    services that follow the youth up; only they hold records. ``municipality`` is where the youth lives.
    """

    national_id: str
    first_name: str
    last_name: str
    born: date
    gender: Gender
    status: Status
    benefit: Benefit = "none"
    difficulties: frozenset[Difficulty] = frozenset()
    units: tuple[str, ...] = ()
    guardians: tuple[Guardian, ...] = ()
    address_protection: Protection = "none"
    municipality: str = "larvik"
    immigrant_background: bool = False
    completed_upper_secondary: bool = False
    individual_plan: bool = False
    activity_plan: bool = False
    work_ability_assessed: bool = False

    def age(self, today: date) -> int:
        """Whole years on that day."""
        return (
            today.year
            - self.born.year
            - ((today.month, today.day) < (self.born.month, self.born.day))
        )


NAV = "nav-larvik"
OT = "ot-vestfold"
SCHOOL = "thor-heyerdahl-vgs"
MENTAL_HEALTH = "larvikshjelpa"

# What people there say in daily speech; the catalogue has the full names.
SHORT_NAMES = {
    NAV: "Nav Larvik",
    OT: "OT Vestfold",
    SCHOOL: "Thor Heyerdahl vgs",
    MENTAL_HEALTH: "Larvikshjelpa",
}

EMIL = Youth(
    national_id="14830799991",
    first_name="Emil",
    last_name="Prøvdal",
    born=date(2007, 3, 14),
    gender="man",
    status="other",
    difficulties=frozenset({"mental_health"}),
    units=(NAV, OT, SCHOOL, MENTAL_HEALTH),
)
SARA = Youth(
    national_id="08921099836",
    first_name="Sara",
    last_name="Testvik",
    born=date(2010, 12, 8),
    gender="woman",
    status="school",
    difficulties=frozenset({"mental_health"}),
    units=(SCHOOL,),
    guardians=(Guardian("16877649478", date(1976, 7, 16)),),
    municipality="tonsberg",
)
JONAS = Youth(
    national_id="19920899946",
    first_name="Jonas",
    last_name="Mønsterli",
    born=date(2008, 12, 19),
    gender="man",
    status="school",
    difficulties=frozenset({"child_welfare"}),
    units=(NAV, SCHOOL),
    guardians=(Guardian("03817849996", date(1978, 1, 3)),),
)
AMINA = Youth(
    national_id="02850899862",
    first_name="Amina",
    last_name="Eksempeløy",
    born=date(2008, 5, 2),
    gender="woman",
    status="work",
    difficulties=frozenset({"health"}),
    units=(SCHOOL, NAV),
    immigrant_background=True,
)
OSKAR = Youth(
    national_id="21841099947",
    first_name="Oskar",
    last_name="Skisseng",
    born=date(2010, 4, 21),
    gender="man",
    status="school",
    difficulties=frozenset({"mental_health"}),
    units=(SCHOOL, MENTAL_HEALTH),
    guardians=(
        Guardian("11898049819", date(1980, 9, 11)),
        Guardian("25828249919", date(1982, 2, 25)),
    ),
)
MAJA = Youth(
    national_id="09861399688",
    first_name="Maja",
    last_name="Utkastmo",
    born=date(2013, 6, 9),
    gender="woman",
    status="school",
    difficulties=frozenset({"mental_health", "health"}),
    units=(MENTAL_HEALTH,),
    guardians=(
        Guardian("07858449876", date(1984, 5, 7)),
        Guardian("30908349993", date(1983, 10, 30)),
    ),
)
ALI = Youth(
    national_id="30810499954",
    first_name="Ali",
    last_name="Forsøkhaug",
    born=date(2004, 1, 30),
    gender="man",
    status="unemployed",
    benefit="social_assistance",
    difficulties=frozenset({"substance"}),
    units=(NAV, MENTAL_HEALTH),
    immigrant_background=True,
)
KRISTIN = Youth(
    national_id="17880699857",
    first_name="Kristin",
    last_name="Prøveland",
    born=date(2006, 8, 17),
    gender="woman",
    status="unemployed",
    benefit="aap",
    difficulties=frozenset({"health"}),
    units=(NAV, OT),
    work_ability_assessed=True,
    activity_plan=True,
)
PER = Youth(
    national_id="11820299738",
    first_name="Per",
    last_name="Dummestad",
    born=date(2002, 2, 11),
    gender="man",
    status="nav_measure",
    benefit="qualification",
    units=(NAV, MENTAL_HEALTH),
    address_protection="strictly_confidential",
    activity_plan=True,
)
THEA = Youth(
    national_id="05870599635",
    first_name="Thea",
    last_name="Modellrud",
    born=date(2005, 7, 5),
    gender="woman",
    status="work",
    difficulties=frozenset({"mental_health"}),
    units=(OT, SCHOOL, MENTAL_HEALTH),
)
NOAH = Youth(
    national_id="26890799980",
    first_name="Noah",
    last_name="Kladdevåg",
    born=date(2007, 9, 26),
    gender="man",
    status="nav_measure",
    units=(NAV, OT, SCHOOL),
)
INGRID = Youth(
    national_id="13900399876",
    first_name="Ingrid",
    last_name="Øvingsnes",
    born=date(2003, 10, 13),
    gender="woman",
    status="unemployed",
    benefit="social_assistance",
    difficulties=frozenset({"mental_health"}),
    units=(NAV,),
    municipality="ovre-eiker",
)

THE_TWELVE = (EMIL, SARA, JONAS, AMINA, OSKAR, MAJA, ALI, KRISTIN, PER, THEA, NOAH, INGRID)


@dataclass(frozen=True, slots=True)
class Employee:
    """An invented employee: who they are at work, by an organisation number of the series that test data has."""

    national_id: str
    first_name: str
    last_name: str
    unit: str
    organisation: str
    role: str
    title: str


EMPLOYEES = (
    Employee("22848649884", "Berit", "Oppdiktsen", NAV, "310000011", "veileder", "veileder"),
    Employee("03917949955", "Terje", "Påfunnsrud", SCHOOL, "310000029", "radgiver", "rådgiver"),
)
