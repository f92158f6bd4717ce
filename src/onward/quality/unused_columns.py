"""Columns of the table that the config leaves out."""

from onward.quality.plan import Plan
from onward.quality.type_inference import infer
from onward.table.sources import Table

ROWS = 100_000  # rows to infer reasons from


def unused_columns(plan: Plan, table: Table) -> list[dict[str, str]]:
    """Names of the columns that `prepare` does not read, with the probable reasons."""
    used = {field.name for field in plan.contract.required_fields(training=True)}
    names = [name for name in table.names() if name not in used]
    if not names:
        return []
    frame, target = table.head(ROWS), plan.schema.target
    classes = frame[target.name] if target.classes else None
    decimal = getattr(plan.settings.source, "decimal", ".")  # typed files have no decimal mark
    guesses = infer(frame.drop(target.name), classes, decimal, names)
    suffix = f" (first {ROWS:,} rows)" if frame.height >= ROWS else ""
    return [
        {
            "name": guess.name,
            "reason": "not in the config" if guess.type else f"{guess.reason}{suffix}",
        }
        for guess in guesses
    ]
