"""Who there is to be at the demo's login, each with their story in one sentence, in the portal's languages."""

from collections.abc import Iterator, Mapping
from datetime import date

from broker.demo.people import (
    ALI,
    AMINA,
    EMIL,
    INGRID,
    JONAS,
    KRISTIN,
    MAJA,
    NOAH,
    OSKAR,
    PER,
    SARA,
    THEA,
    Guardian,
    Youth,
)
from broker.demo.provider import Somebody

Sentence = Mapping[str, str]
"""Language → text."""

STORIES: Mapping[Youth, Sentence] = {
    EMIL: {
        "nb": "Er mest hjemme og svarer ikke på brev. Nav spør om lov til å snakke med de andre om ham.",
        "nn": "Er mest heime og svarar ikkje på brev. Nav spør om lov til å snakke med dei andre om han.",
        "en": "Is mostly at home and answers no letters. Nav asks whether it may talk with the others about him.",
    },
    SARA: {
        "nb": "Snakket først uten navn. Helsestasjonen får vite én ting; skolen venter på ja fra moren.",
        "nn": "Snakka først utan namn. Helsestasjonen får vite éin ting; skulen ventar på ja frå mora.",
        "en": "Talked without a name first. The clinic may know one thing; the school waits for her mother's yes.",
    },
    JONAS: {
        "nb": "Har barnevernet i en annen kommune og velger selv hva som blir med til Nav når han fyller 18.",
        "nn": "Har barnevernet i ein annan kommune og vel sjølv kva som blir med til Nav når han fyller 18.",
        "en": "Is in child welfare elsewhere and chooses himself what goes with him to Nav when he turns 18.",
    },
    AMINA: {
        "nb": "Er lærling. Bakeriet vet hva hun trenger og når hun var borte, og aldri hvorfor.",
        "nn": "Er lærling. Bakeriet veit kva ho treng og når ho var borte, og aldri kvifor.",
        "en": "Is an apprentice. The bakery knows what she needs and when she was away, and never why.",
    },
    OSKAR: {
        "nb": "Var i fare. Det som kunne redde ham, ble hentet uten ja, og han fikk vite det med en gang.",
        "nn": "Var i fare. Det som kunne redde han, blei henta utan ja, og han fekk vite det med ein gong.",
        "en": "Was in danger. What could save him was fetched without a yes, and he was told at once.",
    },
    MAJA: {
        "nb": "Alle venter på hverandre. Moren har sagt ja; før faren også gjør det, skjer det ingenting.",
        "nn": "Alle ventar på kvarandre. Mora har sagt ja; før faren òg gjer det, skjer det ingenting.",
        "en": "Everybody waits for one another. Her mother has said yes; until her father does, nothing happens.",
    },
    ALI: {
        "nb": "Ett møte med flere tjenester på én gang. De fikk høre det én gang, og ikke en gang til.",
        "nn": "Eitt møte med fleire tenester på éin gong. Dei fekk høyre det éin gong, og ikkje ein gong til.",
        "en": "One meeting with several services at once. They heard it once, and not a second time.",
    },
    KRISTIN: {
        "nb": "Sa nei til Nav uten at det kostet noe, og er uenig i hva Nav mener hun kan klare.",
        "nn": "Sa nei til Nav utan at det kosta noko, og er ueinig i kva Nav meiner ho kan klare.",
        "en": "Said no to Nav, which cost her nothing, and disagrees with what Nav thinks she can do.",
    },
    PER: {
        "nb": "Lever på hemmelig adresse. Hvor han er, får ingen vite, heller ikke når det haster.",
        "nn": "Lever på hemmeleg adresse. Kvar han er, får ingen vite, heller ikkje når det hastar.",
        "en": "Lives at a secret address. Nobody learns where he is, also not in an emergency.",
    },
    THEA: {
        "nb": "Er lærling og i behandling. Hva hun kan klare, blir delt; det hun sier i terapi, blir der.",
        "nn": "Er lærling og i behandling. Kva ho kan klare, blir delt; det ho seier i terapi, blir der.",
        "en": "Is an apprentice in treatment. What she can do is shared; what she says in therapy stays there.",
    },
    NOAH: {
        "nb": "Sluttet på skolen. Oppfølgingstjenesten fikk vite det etter loven; om møteplassen fordi han sa ja.",
        "nn": "Slutta på skulen. Oppfølgingstenesta fekk vite det etter lova; om møteplassen fordi han sa ja.",
        "en": "Left school. The follow-up service was told by law; of the meeting place because he said yes.",
    },
    INGRID: {
        "nb": "Ble aldri spurt. Hvert spørsmål om henne fikk nei, og hun blir bare snakket om uten navn.",
        "nn": "Blei aldri spurd. Kvart spørsmål om henne fekk nei, og ho blir berre snakka om utan namn.",
        "en": "Was never asked. Each question about her was refused, and she is only talked about without a name.",
    },
}

PARENTS: tuple[tuple[Guardian, Sentence, Sentence], ...] = (
    (
        SARA.guardians[0],
        {"nb": "Moren til Sara", "nn": "Mora til Sara", "en": "Sara's mother"},
        {
            "nb": "Skal svare skolen, og ser bare det hun har vært med på å si ja til.",
            "nn": "Skal svare skulen, og ser berre det ho har vore med på å seie ja til.",
            "en": "Is to answer the school, and sees only what she has had a part in saying yes to.",
        },
    ),
    (
        MAJA.guardians[0],
        {"nb": "Moren til Maja", "nn": "Mora til Maja", "en": "Maja's mother"},
        {
            "nb": "Har sagt ja, og venter på at faren svarer.",
            "nn": "Har sagt ja, og ventar på at faren svarar.",
            "en": "Has said yes, and waits for the father's answer.",
        },
    ),
    (
        MAJA.guardians[1],
        {"nb": "Faren til Maja", "nn": "Faren til Maja", "en": "Maja's father"},
        {
            "nb": "Har ikke svart. Ja fra begge foreldrene trengs.",
            "nn": "Har ikkje svart. Det trengst ja frå begge foreldra.",
            "en": "Has not answered. A yes of both parents is needed.",
        },
    ),
)
"""Parents whom a story waits for, what to call them, and their part in it."""


def everybody(today: date) -> Iterator[Somebody]:
    """Who there is to be: the twelve in their order, then the parents."""
    for youth, story in STORIES.items():
        name = f"{youth.first_name} {youth.last_name}"
        yield _somebody(youth.national_id, dict.fromkeys(story, name), _aged(youth, story, today))
    for parent, called, story in PARENTS:
        yield _somebody(parent.national_id, called, story)


def _aged(youth: Youth, story: Sentence, today: date) -> Sentence:
    years = {"nb": "år", "nn": "år", "en": "years old"}
    age = youth.age(today)
    return {spoken: f"{age} {years[spoken]}. {text}" for spoken, text in story.items()}


def _somebody(national_id: str, called: Sentence, story: Sentence) -> Somebody:
    spoken = {language: (called[language], story[language]) for language in ("nb", "nn")}
    return Somebody(national_id, called["en"], story["en"], spoken=spoken)
