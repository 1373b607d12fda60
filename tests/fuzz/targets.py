"""Every target: everything that reads what came from outside, each with examples and what may be accepted."""

from typing import Any

from tests.fuzz import log_targets, token_targets
from tests.fuzz.judging import Target


def everything() -> tuple[Target[Any], ...]:
    """Every target."""
    return (
        log_targets.leaves(),
        log_targets.vkeys(),
        log_targets.notes(),
        log_targets.checkpoints(),
        log_targets.cosigned_checkpoints(),
        log_targets.policies(),
        log_targets.proofs(),
        log_targets.proof_files(),
        log_targets.continuations(),
        log_targets.tile_paths(),
        log_targets.entry_bundles(),
        token_targets.sealed_keys("OKP"),
        token_targets.sealed_keys("AKP"),
        token_targets.compact_keys(),
        token_targets.sealed_fields(),
        token_targets.signed_receipts(),
        token_targets.receipt_payloads(),
        token_targets.manifests(),
        token_targets.json_texts(),
    )
