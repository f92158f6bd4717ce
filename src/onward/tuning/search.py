"""The search: trains what the sampler asks for until the budget is spent."""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onward.tuning.journal import Journal
from onward.tuning.results import Result, Training
from onward.tuning.sampler import Sampler, trainings_of_bracket
from onward.tuning.settings import Budget
from onward.tuning.trainer import Trainer
from onward.wording import format_count

logger = logging.getLogger(__name__)

OVERRUN = 1.1  # of the budget, at most, so that the folds are still trained


@dataclass(frozen=True)
class Search:
    """A search.

    Args:
        sampler: chooses the trainings.
        trainer: trains.
        journal: gets the results; what it has is not trained again.
        budget: of the whole search, journaled trainings included.
        time_of_folds: that the best settings take on folds after the search, by that of a single
            training; 0 if they are not tried.
    """

    sampler: Sampler
    trainer: Trainer
    journal: Journal
    budget: Budget
    time_of_folds: float = 0.0

    def run(self) -> None:
        """Train until the budget is spent."""
        if lost := self.journal.clock.lost(self.journal.lines):
            self.journal.add_lost(lost)
        while following := self._following():
            for group in self.trainer.groups(following):
                if self._is_over:
                    return
                started = time.monotonic()
                with self.journal.clock.running(self.journal.lines):
                    results = self.trainer.train(group)
                seconds = time.monotonic() - started
                self.journal.add_results(results, seconds)
                self._log(results, seconds)

    @property
    def results(self) -> Sequence[Result]:
        """All that a search with this budget asks for, as far as it has come."""
        return self.sampler.asked(self.journal.results, self.budget.trials)

    def seconds_on_folds(self, result: Result) -> float:
        """About what training these settings on folds takes."""
        return self.time_of_folds * self.journal.seconds_alone.get(result.training.name, 0.0)

    def affords_folds(self, result: Result) -> bool:
        """Whether the budget has time for these settings on folds, and half of it for the search.

        The last training of a search ends later than it should.
        """
        seconds = self.seconds_on_folds(result)
        total = self.journal.seconds + seconds
        return seconds <= self.budget.seconds / 2 and total <= OVERRUN * self.budget.seconds

    @property
    def _kept(self) -> float:
        """Seconds for the folds, with the best settings or those of the config."""
        candidates = (best_of(self.journal.results), self.journal.results[0])
        return max(map(self.seconds_on_folds, filter(self.affords_folds, candidates)), default=0.0)

    def plan(self) -> Iterator[str]:
        """The lines of the log before the first training."""
        space, fixed = self.sampler.space, self.sampler.space.fixed
        epochs = format_count(space.base.learner.max_epochs, "epoch")
        yield f"tune: {self.budget}: first the settings of the config, for {epochs},"
        last = "; at the end the best settings on folds" if self.time_of_folds else ""
        yield f"tune: then {self._brackets()}{last}"
        if self.trainer.limit is not None:
            yield f"tune: only networks that take at most {self.trainer.limit} for one row"
        if searched := [name for name in space.names if name not in fixed]:
            yield f"tune: searching {', '.join(searched)}"
        if fixed:
            values = ", ".join(f"{name} {value}" for name, value in fixed.items())
            yield f"tune: one value in the space, and not searched: {values}"
        if finished := len(self.results):
            yield f"tune: finished before: {format_count(finished, 'training')}"

    def _brackets(self) -> str:
        """The trials after the first, in words."""
        left, bracket = self.budget.trials - 1, self.sampler.bracket
        number = int(min(left, bracket))
        steps = trainings_of_bracket(number, self.sampler.space.base.learner.max_epochs)
        lengths = [format_count(few, "epoch") for _, few in steps]
        counts = [count for count, _ in steps]
        if number == 1:
            return f"1 trial for {', then for '.join(lengths)}"
        chosen = [f"the best {count}" if count > 1 else "the best" for count in counts[1:]]
        rungs = ", ".join(
            f"{who} for {length}" for who, length in zip(["all", *chosen], lengths, strict=True)
        )
        if left <= bracket:
            return f"{number} trials: {rungs}"
        rest = (
            "" if math.isinf(left) or left % bracket == 0 else f", {left % bracket:.0f} at the end"
        )
        return f"{number} trials at a time{rest}: {rungs}"

    @property
    def _is_over(self) -> bool:
        results = self.journal.results
        if not results:
            return False
        if len(results) > self.sampler.bracket and all(one.failure for one in results):
            return True
        return self.journal.seconds >= self.budget.seconds - self._kept

    def _following(self) -> Sequence[Training]:
        if self._is_over:
            return []
        return self.sampler.following(self.journal.results, self.budget.trials)

    def _log(self, results: Sequence[Result], seconds: float) -> None:
        for result in results:
            logger.info(
                "tune: trial %d, %s: %s (%.1f s); lowest so far %.5g",
                result.training.trial,
                format_count(result.training.epochs, "epoch"),
                result.failure or f"validation loss {result.loss:.5g}",
                seconds / len(results),
                best_of(self.journal.results).loss,
            )
        if results[0].training.trial == 0 and not results[0].failure:
            logger.info("tune: %s", self._estimate(seconds))

    def _estimate(self, seconds: float) -> str:
        """How long the search takes, or how many trials it may have, by the time of trial 0."""
        epochs, bracket = self.sampler.space.base.learner.max_epochs, self.sampler.bracket
        all_epochs = sum(count * few for count, few in trainings_of_bracket(bracket, epochs))
        of_trial = seconds * all_epochs / (epochs * bracket)
        on_folds = self._kept
        folds = f", with {on_folds / 60:.1f} minutes for the folds" if on_folds else ""
        if math.isfinite(self.budget.trials):
            total = seconds + of_trial * (self.budget.trials - 1) + on_folds
            return f"about {total / 60:.1f} minutes for {self.budget}{folds}"
        trials = max(0.0, self.budget.seconds - seconds - on_folds) / max(of_trial, 1e-9)
        return f"about {format_count(round(trials), 'trial')} in {self.budget}{folds}"


def best_of(results: Sequence[Result]) -> Result:
    """The training with the lowest loss; of equal ones the first."""
    return min(results, key=rank)


def rank(result: Result) -> tuple[float, int, int]:
    """Lower for better trainings."""
    return (result.loss, result.training.trial, result.training.epochs)
