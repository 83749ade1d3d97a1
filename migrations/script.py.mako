"""${message}

Revision: ${up_revision}
Follows: ${down_revision | comma,n}
Date: ${create_date}

On PostgreSQL every statement here locks its table until the end of all migrations: keep it short,
and make an index on a large table in a migration of its own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
