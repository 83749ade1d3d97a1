"""What the API takes and returns of actual spend."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.estimator.variance import VarianceReport
from app.services.actual_cells import amount_of, category_of, currency_of, month_of, note_of
from app.services.actual_files import MOST_ROWS, PLAIN, ActualFile, ActualRow
from app.services.actuals import PlanAgainstActual
from app.services.problems import MOST_PROBLEMS, ActualsProblems, Problem


def _amount(value: object) -> object:
    """A number, or a number as text, which keeps its decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number such as 1204.5")  # noqa: TRY004 - pydantic wants it
    return amount_of(str(value))


class ActualRowIn(BaseModel):
    """One amount that was spent."""

    model_config = ConfigDict(extra="forbid")

    month: Annotated[str, AfterValidator(month_of)] = Field(
        description="2027-01, or a day in it.", examples=["2027-01"]
    )
    amount: Annotated[Decimal, BeforeValidator(_amount)] = Field(
        description="In the currency; below 0 for a credit."
    )
    currency: str = Field("USD", description="USD, or the currency that the scenario is shown in.")
    category: Annotated[str, AfterValidator(category_of)] = Field(
        "", description="A category of the cost lines of the report; empty for none."
    )
    note: Annotated[str, AfterValidator(note_of)] = ""


class ActualsIn(BaseModel):
    """Spend by month."""

    model_config = ConfigDict(extra="forbid")

    rows: list[ActualRowIn] = Field(min_length=1, max_length=MOST_ROWS)

    def file(self, currency: str) -> ActualFile:
        """The same as it is stored.

        Raises
        ------
        ActualsProblems : amounts in a currency that the scenario has no rate for.
        """
        rows: list[ActualRow] = []
        problems: list[Problem] = []
        for at, row in enumerate(self.rows):
            try:
                code = currency_of(row.currency, currency)
            except ValueError as error:
                problems.append(Problem(f"/rows/{at}/currency", f"Currency {error}."))
                continue
            rows.append(ActualRow(row.month, row.category, row.amount, code, row.note))
        if problems:
            raise ActualsProblems(problems[:MOST_PROBLEMS])
        return ActualFile(tuple(rows), PLAIN, "", len(rows))


def actuals_in_schema() -> dict[str, Any]:
    """JSON schema of `ActualsIn` in one piece, as it is not part of the components."""
    schema = ActualsIn.model_json_schema()
    schema["properties"]["rows"]["items"] = schema.pop("$defs")["ActualRowIn"]
    return schema


class ActualRowOut(BaseModel):
    """One amount as it was uploaded; of a FOCUS file, the sum of a month."""

    month: str
    category: str
    amount: Decimal = Field(description="As text, with all its decimals.")
    currency: str
    note: str


class ActualsOut(BaseModel):
    """What was spent, and its variance. Money of the variance is US dollars."""

    token: str
    path: str = Field(description="Page of the comparison, relative to the server.")
    method: str = Field(description="Whose plan it is compared with.")
    shown: bool = Field(description="Whether whoever has the link sees it.")
    uploaded_at: datetime
    kind: str = Field(description="plain or focus.")
    amount_column: str = Field(description="That amounts were read from; empty for JSON.")
    left_out_columns: list[str] = Field(
        description="Columns of the file that are not known here and were not read."
    )
    rows: list[ActualRowOut]
    variance: VarianceReport

    @classmethod
    def of(cls, found: PlanAgainstActual) -> ActualsOut:
        """From the service's answer, which holds spend."""
        actuals, variance = found.actuals, found.variance
        assert actuals is not None  # noqa: S101 - the routes ask first
        assert variance is not None  # noqa: S101 - nothing is stored without a plan
        token = found.shared.token
        return cls(
            token=token,
            path=f"/s/{token}/actuals",
            method=actuals.method,
            shown=actuals.shown,
            uploaded_at=actuals.uploaded_at,
            kind=actuals.file.kind,
            amount_column=actuals.file.amount_column,
            left_out_columns=list(actuals.file.left_out_columns),
            rows=[
                ActualRowOut(
                    month=row.month,
                    category=row.category,
                    amount=row.amount,
                    currency=row.currency,
                    note=row.note,
                )
                for row in actuals.file.rows
            ],
            variance=variance,
        )
