"""Keys of services follow one another: until when each is used, whether it was revoked, and every change as the log has it.

Revision 0013, after 0012. The release before knows none of this: it uses the newest keys, which are the current ones, and signs
for a unit by any key it finds; a key is revoked once that release is gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns, one table."""
    op.add_column("service_key", sa.Column("ends_at", sa.BigInteger(), nullable=True))
    op.add_column("service_key", sa.Column("revoked_at", sa.BigInteger(), nullable=True))
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "service_key_change",
        sa.Column("position", number, autoincrement=True, nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("service_key_change_unit", "service_key_change", ["unit", "position"])


def downgrade() -> None:
    """Take them away; the log keeps the entries."""
    op.drop_index("service_key_change_unit", "service_key_change")
    op.drop_table("service_key_change")
    with op.batch_alter_table("service_key") as table:
        table.drop_column("revoked_at")
        table.drop_column("ends_at")
