"""Price books, and the prices that a scenario was saved with.

Revision: 0002
Follows: 0001
Date: 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_snapshot",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_price_snapshot"),
    )
    # Scenarios from before keep it empty: which prices were in force then is not known.
    with op.batch_alter_table("scenario") as scenario:
        scenario.add_column(sa.Column("price_list_hash", sa.String(64), nullable=True))
        scenario.create_foreign_key(
            "fk_scenario_price_list_hash_price_snapshot",
            "price_snapshot",
            ["price_list_hash"],
            ["hash"],
        )
    op.create_table(
        "price_book",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=True),
        sa.Column("installation_name", sa.String(80), nullable=True),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_price_book"),
        sa.UniqueConstraint("token", name="uq_price_book_token"),
        sa.UniqueConstraint("installation_name", name="uq_price_book_installation_name"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_price_book_workspace_id_workspace"
        ),
    )
    op.create_index("ix_price_book_workspace_id", "price_book", ["workspace_id"])
    op.create_table(
        "price_book_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("base", sa.String(16), nullable=False),
        sa.Column("discounts_json", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_price_book_version"),
        sa.UniqueConstraint("book_id", "number", name="uq_price_book_version_book_id_number"),
        sa.ForeignKeyConstraint(
            ["book_id"], ["price_book.id"], name="fk_price_book_version_book_id_price_book"
        ),
    )
    op.create_table(
        "price_book_price",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("row_json", sa.Text(), nullable=False),
        sa.Column("first_version", sa.Integer(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_price_book_price"),
        sa.UniqueConstraint(
            "book_id",
            "row_key",
            "first_version",
            name="uq_price_book_price_book_id_row_key_first_version",
        ),
        sa.ForeignKeyConstraint(
            ["book_id"], ["price_book.id"], name="fk_price_book_price_book_id_price_book"
        ),
    )
    op.create_index(
        "ix_price_book_price_book_id_last_version", "price_book_price", ["book_id", "last_version"]
    )


def downgrade() -> None:
    op.drop_index("ix_price_book_price_book_id_last_version", table_name="price_book_price")
    op.drop_table("price_book_price")
    op.drop_table("price_book_version")
    op.drop_index("ix_price_book_workspace_id", table_name="price_book")
    op.drop_table("price_book")
    with op.batch_alter_table("scenario") as scenario:
        scenario.drop_constraint("fk_scenario_price_list_hash_price_snapshot", type_="foreignkey")
        scenario.drop_column("price_list_hash")
    op.drop_table("price_snapshot")
