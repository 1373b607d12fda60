"""A helper of the subject's own choosing.

Revision 0017, after 0016. The release before never looks at the table; of a notice by a helper it reads the word ``helper``
where a unit stands.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Create the table, and let a notice name a helper."""
    op.create_table(
        "helper",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shows", sa.String(), nullable=False),
        sa.Column("invited_at", sa.BigInteger(), nullable=False),
        sa.Column("code_until", sa.BigInteger(), nullable=False),
        sa.Column("finds", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(
        "helper_one_at_a_time",
        "helper",
        ["subject"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("helper_subject_position", "helper", ["subject", "position"])
    op.create_index("ix_helper_finds", "helper", ["finds"])
    op.create_index("ix_helper_person", "helper", ["person"])
    op.add_column("notice", sa.Column("helper", sa.String(), nullable=True))


def downgrade() -> None:
    """Take both away: whoever helped reads no more."""
    op.drop_column("notice", "helper")
    op.drop_table("helper")
