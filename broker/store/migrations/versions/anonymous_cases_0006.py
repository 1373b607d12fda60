"""Anonymous cases, and whose they turned out to be.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the two tables; the previous release never looks at them."""
    op.create_table(
        "anonymous_case",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("collaboration", sa.String(), nullable=False),
        sa.Column("told_by", sa.String(), nullable=False),
        sa.Column("age_band", sa.String(), nullable=False),
        sa.Column("gender", sa.String(), nullable=True),
        sa.Column("municipality", sa.String(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("claim_sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("claim_sha256"),
    )
    op.create_index("anonymous_case_collaboration", "anonymous_case", ["collaboration", "position"])
    op.create_table(
        "claimed_case",
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case"], ["anonymous_case.id"]),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("case"),
    )
    op.create_index("ix_claimed_case_subject", "claimed_case", ["subject"])


def downgrade() -> None:
    """Forget the cases."""
    op.drop_table("claimed_case")
    op.drop_table("anonymous_case")
