"""Contents of log entries, sealed, and the keys that they are sealed to.

Revision 0010, after 0009. The release before knows none of these tables and writes contents into ``log_content`` in clear:
they wait there until this release has sealed them (within a minute of its start, or by ``tillit-broker tick``).
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all four."""
    op.create_table(
        "log_sealed",
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("volume", sa.LargeBinary(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_hash"),
    )
    op.create_index("ix_log_sealed_volume", "log_sealed", ["volume"])
    op.create_table(
        "log_volume",
        sa.Column("id", sa.LargeBinary(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_log_volume_subject", "log_volume", ["subject"])
    op.create_table(
        "log_subject",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "log_epoch",
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("epoch"),
    )


def downgrade() -> None:
    """Take them away: the contents written since are gone then, their leaves and proofs stay."""
    op.drop_table("log_epoch")
    op.drop_table("log_subject")
    op.drop_index("ix_log_volume_subject", "log_volume")
    op.drop_table("log_volume")
    op.drop_index("ix_log_sealed_volume", "log_sealed")
    op.drop_table("log_sealed")
