"""What a subject looks for in what was asked about them: outcome and emergency of each disclosure, beside its decision.

Revision 0028, after 0027. What is there is filled in. The release before leaves both empty in what it adds: such rows are shown
whatever is looked for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# As the decision is written: without spaces, and no text of a service's in it.
_EMERGENCY = """decision LIKE '%"kind":"emergency"%'"""


def upgrade() -> None:
    """Add the columns, fill them in, and the index that tells who has asked."""
    op.add_column("disclosure", sa.Column("outcome", sa.String(), nullable=True))
    op.add_column("disclosure", sa.Column("emergency", sa.Boolean(), nullable=True))
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    outcome = "decision::json->>'outcome'" if on_postgresql else "decision->>'outcome'"
    op.execute(f"UPDATE disclosure SET outcome = {outcome}, emergency = ({_EMERGENCY})")  # noqa: S608 (of the constants above)
    op.create_index(
        "disclosure_subject_recipient", "disclosure", ["subject", "recipient", "told_at"]
    )


def downgrade() -> None:
    """Take them away; the decisions say it still."""
    op.drop_index("disclosure_subject_recipient", "disclosure")
    op.drop_column("disclosure", "emergency")
    op.drop_column("disclosure", "outcome")
