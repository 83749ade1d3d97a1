"""Workspaces and shared scenarios.

Revision: 0001
Follows: nothing
Date: 2026-11-23
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workspace",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspace"),
        sa.UniqueConstraint("key_hash", name="uq_workspace_key_hash"),
    )
    op.create_table(
        "scenario",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("input_json", sa.Text(), nullable=False),
        sa.Column("input_schema", sa.Integer(), nullable=False),
        sa.Column("report_json", sa.Text(), nullable=False),
        sa.Column("report_schema", sa.Integer(), nullable=False),
        sa.Column("estimator_version", sa.String(64), nullable=False),
        sa.Column("catalog_hash", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_scenario"),
        sa.UniqueConstraint("token", name="uq_scenario_token"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_scenario_workspace_id_workspace"
        ),
    )
    op.create_index(
        "ix_scenario_workspace_id_created_at", "scenario", ["workspace_id", "created_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_scenario_workspace_id_created_at", table_name="scenario")
    op.drop_table("scenario")
    op.drop_table("workspace")
