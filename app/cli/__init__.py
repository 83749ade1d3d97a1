"""The tunecase command.

Exit status 0, 1 when a check fails, or 2 on unusable input with the reason on standard error.
"""

from app.cli.commands import main
from app.cli.evidence import evidence as evidence_commands
from app.cli.prices import prices as price_commands

main.add_command(price_commands)
main.add_command(evidence_commands)

__all__ = ["main"]
