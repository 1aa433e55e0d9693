"""A learner taps in: people, credentials, visits of persons, accounts, musters, figures, proofs."""

from hubwell.storage.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables; taps and visits of the release before become those of counted persons."""
    run_sql("0002_people.sql")
    run_sql("0002_access.sql")
    run_sql("0002_privacy.sql")
    run_sql("0002_views.sql")
