"""The comparison of two models, as printed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from onward.evaluation.bootstrap import format_value
from onward.evaluation.promotion.metric_differences import metric_differences
from onward.evaluation.promotion.pair import Pair
from onward.evaluation.promotion.paired_difference import LEVEL, PairedDifference, holm
from onward.evaluation.promotion.slices import Slice, slices
from onward.wording import format_signed, text_table

LISTED = 5  # slices


@dataclass(frozen=True)
class Comparison:
    """A comparison of two models; exchanging them changes signs only.

    ``share``: the margin within which models are the same, as a share of their mean loss.
    """

    pair: Pair
    share: float

    @cached_property
    def difference(self) -> PairedDifference:
        """Mean loss of A minus that of B."""
        return self.pair.difference

    @property
    def margin(self) -> float:
        """The margin in units of the loss."""
        return self.share * float(np.mean(self.pair.losses))

    @property
    def verdict(self) -> str:
        """``same``, ``A is better``, ``B is better`` or ``undecided``."""
        if self.difference.provable_margin() <= self.margin:
            return "same"
        interval = self.difference.interval()
        if interval.upper < 0:
            return "A is better"
        return "B is better" if interval.lower > 0 else "undecided"

    def lines(self) -> Iterator[str]:
        """The verdict, the metrics, and the slices in which the models differ."""
        yield self._headline()
        for note in (*self._proof(), *self.pair.notes):
            yield f"  {note}"
        yield ""
        yield from self._table()
        yield ""
        yield self._agreement()
        yield from self._slices()

    def _headline(self) -> str:
        title, rows = self.pair.task.loss_title, f"{self.difference.rows:,} rows"
        return {
            "same": f"same: A and B have the same {title} to within the margin, on {rows}",
            "undecided": f"undecided: {rows} prove neither that A and B are the same nor that"
            " they differ",
        }.get(self.verdict, f"{self.verdict}: its {title} is significantly lower, on {rows}")

    def _proof(self) -> Iterator[str]:
        title, margin = self.pair.task.loss_title, format_value(self.margin)
        yield f"margin {margin}, {self.share * 100:.3g} % of the {title}"
        provable = format_value(self.difference.provable_margin())
        yield f"smallest margin that these rows can prove: {provable}"
        if self.verdict == "undecided":
            needed = self.difference.rows_to_prove(self.margin)
            yield (
                "the difference is larger than the margin, but not significant"
                if needed is None
                else f"about {needed:,} rows would prove the margin if the difference stays the"
                " same"
            )

    def _table(self) -> Iterator[str]:
        loss, difference = self.pair.task.loss_title.capitalize(), self.difference
        first, second = (float(losses.mean()) for losses in self.pair.losses)
        interval = difference.interval()
        ends = f"{format_signed(interval.lower)} to {format_signed(interval.upper)}"
        means = format_value(first), format_value(second), format_signed(difference.mean)
        rows = [[loss, *means, ends]]
        metrics = {
            name: metric
            for name, metric in self.pair.task.metrics.items()
            if metric.title.lower() != loss.lower()
        }
        rows += [metric.cells() for metric in metric_differences(self.pair, metrics).values()]
        yield from text_table(["", "A", "B", "A - B", "95 % interval"], rows)

    def _agreement(self) -> str:
        first, second = self.pair.first, self.pair.second
        if self.pair.task.has_labels:
            return f"Equal labels: {np.mean(first['label'] == second['label']):.1%} of rows"
        distance = np.abs(first["value"] - second["value"])
        return f"Values differ by {format_value(float(distance.mean()))} on average"

    def _slices(self) -> Iterator[str]:
        parts = slices(self.pair)
        chances = holm(np.array([two_sided_chance(part) for part in parts]))
        differing = [part for part, chance in zip(parts, chances, strict=True) if chance < LEVEL]
        if not differing:
            yield f"Slices: no significant difference in any of {len(parts)}"
            return
        yield f"Slices: significant differences in {len(differing)} of {len(parts)}"
        largest = sorted(differing, key=lambda part: -abs(part.difference.mean))[:LISTED]
        rows = [
            [f"{p.column}: {p.name}", f"{p.difference.rows:,}", format_signed(p.difference.mean)]
            for p in largest
        ]
        yield from text_table(["", "rows", "A - B"], rows)


def two_sided_chance(part: Slice) -> float:
    """Two-sided p-value of the mean difference."""
    if part.difference.mean == 0:
        return 1.0
    chance = part.difference.chance()
    return min(1.0, 2 * min(chance, 1 - chance))
