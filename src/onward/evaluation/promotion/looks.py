"""Repeated comparisons of the same two models on a growing table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from pydantic import PositiveInt, TypeAdapter

from onward.errors import DataError
from onward.evaluation.promotion.paired_difference import LEVEL, Interval, PairedDifference


@dataclass(frozen=True)
class Look:
    """A comparison of two models on one table."""

    table: str
    """sha256 of the file."""
    rows: PositiveInt
    outcome: str


LOOKS = TypeAdapter(tuple[Look, ...])


@dataclass(frozen=True)
class Looks:
    """Earlier comparisons of the same two files."""

    before: tuple[Look, ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any], files: Mapping[str, str], table: str) -> Self:
        """The looks in the document of an earlier promotion; none if it is about other files.

        A look at the same table is repeated, and later ones are dropped.

        Args:
            document: of the earlier promotion.
            files: sha256 of challenger and champion.
            table: sha256.

        Raises:
            ValueError: if the document lacks something.
        """
        if {"files", "looks"} - {*document}:
            raise ValueError("no files or no looks")
        looks = LOOKS.validate_python(document["looks"])
        if document["files"] != dict(files):
            return cls()
        tables = [look.table for look in looks]
        return cls(looks[: tables.index(table)] if table in tables else looks)

    def interval(self, difference: PairedDifference) -> Interval:
        """The interval of the mean difference, with an error of 5 % on each side over all looks.

        Half of that is for the first look, which uses Student's interval, half for all later ones,
        which use a confidence sequence.

        Raises:
            DataError: if there are fewer rows than before.
        """
        if not self.before:
            return difference.interval(LEVEL)
        most = max(look.rows for look in self.before)
        if difference.rows < most:
            raise DataError(
                f"the table has {difference.rows:,} usable rows, fewer than the {most:,} of an"
                " earlier comparison of these models, which the file of --output records. Add the"
                " new rows to the earlier ones"
            )
        return difference.sequence(LEVEL, self.first_rows(difference))

    def first_rows(self, difference: PairedDifference) -> int:
        """Number of rows at the first look, which may be this one."""
        return self.before[0].rows if self.before else difference.rows

    def document(self, look: Look) -> list[dict[str, Any]]:
        """All looks with this one, as JSON."""
        return [asdict(entry) for entry in (*self.before, look)]
