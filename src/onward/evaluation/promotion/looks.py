"""Looking at the same two models again, when the table has more rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from onward.errors import DataError
from onward.evaluation.promotion.paired_difference import LEVEL, Interval, PairedDifference


@dataclass(frozen=True)
class Look:
    """A comparison of two models at one time."""

    table: str
    """sha256 of its file."""
    rows: int
    outcome: str


@dataclass(frozen=True)
class Looks:
    """Those before this one, of the same two files."""

    before: tuple[Look, ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any], files: Mapping[str, str], table: str) -> Self:
        """Read what an earlier promotion wrote; nothing, if it was of other files.

        A look at the same table is the same look, and those after it are forgotten.

        Args:
            document: the earlier one, or an empty one.
            files: sha256 of challenger and champion.
            table: sha256.
        """
        if document.get("files") != dict(files):
            return cls()
        looks = [Look(**look) for look in document["looks"]]
        tables = [look.table for look in looks]
        return cls(tuple(looks[: tables.index(table)] if table in tables else looks))

    def interval(self, difference: PairedDifference) -> Interval:
        """Where the mean difference is, wrong on each side with a chance of 5 % over all looks.

        Half of that is for the first look, which has Student's interval, half for all later ones,
        which have a confidence sequence.

        Raises:
            DataError: if there are fewer rows than before.
        """
        if not self.before:
            return difference.interval(LEVEL)
        most = max(look.rows for look in self.before)
        if difference.rows < most:
            raise DataError(
                f"the table has {difference.rows:,} rows to compare, and there were {most:,} when"
                " the same models were compared before. Add the new rows to the earlier ones"
            )
        return difference.sequence(LEVEL, self.first_rows(difference))

    def first_rows(self, difference: PairedDifference) -> int:
        """At the first look, which may be this one."""
        return self.before[0].rows if self.before else difference.rows

    def document(self, look: Look) -> list[dict[str, Any]]:
        """As JSON has it, with this one."""
        return [asdict(each) for each in (*self.before, look)]
