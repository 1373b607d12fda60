"""The store's contract, continued: stages of a pathway, and consents of a youth's family."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.ports import Store
from broker.store.sql import SqlStore
from broker.stored import Stage
from tests.consenting import NOW, active, asked
from tests.stored import EMIL, NAV, OT, SARA, add_subjects

PATHWAY = "fravaer-trondheim"
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it."""
    with store.write() as tx:
        add_subjects(tx)
    return store


def test_a_stage_that_nobody_has_said_is_none(kept: Store) -> None:
    """Nothing is assumed of a case."""
    with kept.read() as tx:
        assert tx.stage(EMIL, PATHWAY) is None


def test_the_stage_is_the_one_said_last(kept: Store) -> None:
    """Forward and back, by whichever unit."""
    for stage in (Stage(3, NOW, NAV), Stage(7, NOW, NAV), Stage(6, LATER, OT)):
        with kept.write() as tx:
            tx.set_stage(EMIL, PATHWAY, stage)
        with kept.read() as tx:
            assert tx.stage(EMIL, PATHWAY) == stage


def test_a_stage_is_of_one_case_in_one_collaboration(kept: Store) -> None:
    """Another subject's, and another collaboration's, stand by themselves."""
    with kept.write() as tx:
        tx.set_stage(EMIL, PATHWAY, Stage(7, NOW, NAV))
        tx.set_stage(SARA, PATHWAY, Stage(2, NOW, NAV))
    with kept.read() as tx:
        assert tx.stage(SARA, PATHWAY) == Stage(2, NOW, NAV)
        assert tx.stage(EMIL, "another") is None


# --- the family's consents


def test_a_familys_consents_are_kept_apart(kept: Store) -> None:
    """What Sara said in Emil's record is neither her own consent nor his."""
    his, hers, family = (
        asked(number=1, subject=EMIL),
        asked(number=2, subject=SARA),
        asked(number=3, subject=SARA, about=EMIL),
    )
    with kept.write() as tx:
        for consent in (his, hers, family):
            tx.add_consent(consent)
    with kept.read() as tx:
        assert (tx.consents_of(EMIL), tx.consents_of(SARA)) == ((his,), (hers,))
        assert (tx.family_consents_by(SARA), tx.family_consents_about(SARA)) == ((family,), ())
        assert (tx.family_consents_by(EMIL), tx.family_consents_about(EMIL)) == ((), (family,))
        assert tx.consent(family.id) == family


def test_a_familys_consent_changes_as_any_other(kept: Store) -> None:
    """Whose record it is in is said once."""
    consent = active(subject=SARA, about=EMIL)
    with kept.write() as tx:
        tx.add_consent(replace(consent, version=1))
        tx.save_consent(consent, was=1)
    with kept.read() as tx:
        assert tx.family_consents_about(EMIL) == (consent,)
