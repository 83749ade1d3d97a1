"""Actual spend beside a saved scenario.

Revision: 0003
Follows: 0002
Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "actual_spend",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("body_json", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_actual_spend"),
        sa.UniqueConstraint("scenario_id", name="uq_actual_spend_scenario_id"),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name="fk_actual_spend_scenario_id_scenario"
        ),
    )


def downgrade() -> None:
    op.drop_table("actual_spend")
