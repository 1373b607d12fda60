"""Statutes relied on, objections, and what the subject is told later.

Revision 0003, after 0002. While the previous release still runs it knows nothing of ``told_at`` and would show at once what
should wait: rely on a statute with a delayed notice only once every replica is of this release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create two tables and add three columns that may be empty."""
    op.create_table(
        "invocation",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("closes", sa.BigInteger(), nullable=False),
        sa.Column("review_due", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("invocation_unit_position", "invocation", ["unit", "position"])
    op.create_index("invocation_subject_recipient", "invocation", ["subject", "recipient"])
    op.create_table(
        "objection",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("subject", "category"),
    )
    op.add_column("disclosure", sa.Column("told_at", sa.BigInteger(), nullable=True))
    op.add_column("notice", sa.Column("told_at", sa.BigInteger(), nullable=True))
    op.add_column("notice", sa.Column("invocation", sa.String(), nullable=True))


def downgrade() -> None:
    """What was relied on, and what was spoken against, would be gone."""
    raise NotImplementedError
