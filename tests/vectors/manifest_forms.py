"""Vectors of manifests: what a key is bound to, by a hash."""

import hashlib
import json
from typing import Any

from tests.vectors.drafts import Accepted, Vectors, changed, compact
from tests.vectors.sealed_forms import DISCLOSURE, FIELD, OBSERVED, RECORD, SOURCE
from tillit.jcs import canonical


def manifests() -> Vectors:
    """The manifest: its hash is what a key is bound to."""
    disclosure = {
        "v": 1,
        "disclosure": DISCLOSURE,
        "recipient": "nav-larvik",
        "subject": "hdl_" + "B" * 22,
        "purpose": "case_discussion",
        "collaboration": "ungdomsutvalget-larvik",
        "meeting": None,
        "fields": {FIELD: {"record": RECORD, "source": SOURCE, "observed_at": OBSERVED}},
        "consents": [{"id": "con_" + "C" * 22, "version": 3}],
        "policy": {"version": "2026.11.1", "digest": "sha256:" + "0" * 64},
        "obligations": {
            "notify": "immediate",
            "erase_after": "P30D",
            "onward_sharing": False,
            "journal": True,
        },
        "issued_at": "2026-11-20T09:15:30.123456Z",
        "expires_at": "2026-12-20T09:15:30.123456Z",
    }
    deposit = {"v": 1, "source": SOURCE, "subject": "hdl_" + "A" * 22, "fields": {FIELD: RECORD}}
    plain = _manifest("plain", "a disclosure of one field", "disclosure", disclosure)
    fields = disclosure["fields"]
    named = fields[FIELD] if isinstance(fields, dict) else {}

    def other(**members: Any) -> dict[str, Any]:
        return {"manifest": compact({**disclosure, **members})}

    def formed(says: Any) -> dict[str, Any]:
        """With its own hash, so that its form alone is wrong."""
        written = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        hashed = hashlib.sha256(written.encode()).hexdigest()
        return {"manifest": compact(says), "hash_hex": hashed}

    def version(number: Any) -> dict[str, Any]:
        return {"consents": [{"id": "con_" + "C" * 22, "version": number}]}

    text = str(plain.given["manifest"])
    examples: dict[str, tuple[dict[str, Any], str]] = {
        "hash": ({"hash_hex": bytes(32).hex()}, "another hash"),
        "disclosure": (other(disclosure="dis_" + "E" * 22), "another disclosure"),
        "recipient": (other(recipient="barnevern-larvik"), "another recipient"),
        "subject": (other(subject="hdl_" + "C" * 22), "another subject"),
        "purpose": (other(purpose="teaching_adaptation"), "another purpose"),
        "collaboration": (other(collaboration=None), "another collaboration"),
        "field": (other(fields={"education.grades": named}), "another field"),
        "record": (other(fields={FIELD: {**named, "record": "rec_" + "S" * 22}}), "another record"),
        "no-fields": (other(fields={}), "a field less"),
        "version": (other(**version(4)), "another version"),
        "version-text": (
            formed({**disclosure, **version("3")}),
            "a number is not written as text",
        ),
        "version-large": (
            formed({**disclosure, **version(2**53)}),
            "no canonical form holds the number",
        ),
        "obligation": (
            other(obligations={**obligations(), "erase_after": "P60D"}),
            "a longer term",
        ),
        "onward": (other(obligations={**obligations(), "onward_sharing": True}), "another duty"),
        "expiry": (other(expires_at="2027-12-20T09:15:30.123456Z"), "a later end"),
        "unknown": (formed({**disclosure, "more": 1}), "a member that is not in the form"),
        "v": (formed({**disclosure, "v": 2}), "of a version that is not known"),
        "missing": (
            formed({k: v for k, v in disclosure.items() if k != "policy"}),
            "a member is missing",
        ),
        "twice": ({"manifest": text[:-1] + ',"v":1}'}, "a member that stands twice"),
        "kind": ({"kind": "deposit"}, "a manifest of the other kind"),
        "cut": ({"manifest": text[:-1]}, "not JSON"),
        "list": (formed([disclosure]), "not an object"),
    }
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    spaced = json.dumps(disclosure, indent=1, sort_keys=True)
    return Vectors(
        "manifest",
        "given a manifest as JSON text (`kind`: disclosure or deposit) and a hash: the hash is SHA-256"
        " over its JCS form.",
        ["RFC 8785", "RFC 7518 section 4.6.1.3 (apv)", "RFC 9180 section 5.1 (info)"],
        [
            plain,
            Accepted(
                "spaced",
                "white space and the order of members do not count",
                {**plain.given, "manifest": spaced},
                {},
            ),
            _manifest("deposit", "a deposit of one field", "deposit", deposit),
        ],
        refused,
    )


def obligations() -> dict[str, Any]:
    """What a recipient takes on."""
    return {"notify": "immediate", "erase_after": "P30D", "onward_sharing": False, "journal": True}


def _manifest(name: str, why: str, kind: str, manifest: dict[str, Any]) -> Accepted:
    hashed = hashlib.sha256(canonical(manifest)).hexdigest()
    return Accepted(
        name, why, {"kind": kind, "manifest": compact(manifest), "hash_hex": hashed}, {}
    )
