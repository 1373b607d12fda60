"""Our own vectors: makes their files anew, byte for byte the same.

``python -m tests.vectors.generate`` writes them below ``tests/vectors/own``.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.vectors import (
    cosigned_forms,
    key_forms,
    log_forms,
    manifest_forms,
    proof_file_forms,
    proof_forms,
    receipt_forms,
    sealed_forms,
)
from tests.vectors.drafts import Vectors

OWN = Path(__file__).with_name("own")


def everything() -> tuple[Vectors, ...]:
    """Every file's vectors."""
    return (
        sealed_forms.fields(),
        key_forms.keys(),
        manifest_forms.manifests(),
        receipt_forms.receipts(),
        log_forms.leaves(),
        log_forms.checkpoints(),
        cosigned_forms.cosigned_checkpoints(),
        proof_forms.inclusions(),
        proof_forms.consistencies(),
        proof_file_forms.proof_files(),
    )


def files() -> Mapping[str, str]:
    """File name → text."""
    return {f"{each.form}.json": _text(each) for each in everything()}


def _text(vectors: Vectors) -> str:
    return json.dumps(vectors.document(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write them."""
    for name, text in files().items():
        (OWN / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{OWN / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
