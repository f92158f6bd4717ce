"""How often `onward promote` decides right: simulated row losses of a champion and a challenger.

    python benchmarks/promotion.py [--repeats N] [--json FILE]

The champion's mean loss is 0.41, as the log-loss of a churn table; differences of rows have the
standard deviation 0.35. They are normal, or skewed as log-losses are: a few rows cost much. Each
row is in one slice of each of ten columns with eight values. The functions that decide are
those of the command; calibration, inputs and latency are not simulated.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from onward.evaluation.promotion.checks import check_loss, check_slices
from onward.evaluation.promotion.looks import Look, Looks
from onward.evaluation.promotion.paired_difference import PairedDifference
from onward.evaluation.promotion.slices import Slice, differences_by_code, worse_chances

LOSS, DEVIATION, MARGIN = 0.41, 0.35, 0.01
COLUMNS, VALUES, LEAST = 10, 8, 50
LOOKS, NEW_ROWS = 20, 1_000
SHARES = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02])
TRUTHS = {
    "worse by the margin": MARGIN,
    "equal": 0.0,
    "better by 1 %": -0.01,
    "better by 5 %": -0.05,
}
Draw = Callable[[np.random.Generator, int], np.ndarray]


def normal(random: np.random.Generator, rows: int) -> np.ndarray:
    """As textbooks assume."""
    return random.normal(0, DEVIATION, rows)


def skewed(random: np.random.Generator, rows: int) -> np.ndarray:
    """Most rows hardly differ, some by a lot, in both directions but not evenly."""
    signs = np.where(random.random(rows) < 0.3, 1.0, -0.3 / 0.7)
    sizes = random.gamma(0.5, size=rows)
    spread = math.sqrt(0.75 * (0.3 + 0.09 / 0.7))  # of sizes times signs, whose mean is 0
    return np.asarray(signs * sizes * DEVIATION / spread)


def slices(random: np.random.Generator, differences: np.ndarray) -> list[Slice]:
    """Those of all columns that have enough rows."""
    found = []
    for column in range(COLUMNS):
        codes = random.choice(VALUES, len(differences), p=SHARES)
        codes[np.bincount(codes, minlength=VALUES)[codes] < LEAST] = -1
        parts = differences_by_code(differences, codes)
        found += [(f"column {column}", str(code), p) for code, p in enumerate(parts) if p.rows]
    chances = worse_chances([part for _, _, part in found])
    return [Slice(*part, float(chance)) for part, chance in zip(found, chances, strict=True)]


def rates(draw: Draw, rows: int, truth: float, repeats: int) -> dict[str, float]:
    """Shares of the repetitions."""
    random = np.random.default_rng([rows, round(1e4 * (truth + 1))])
    counts = dict.fromkeys(("promoted", "kept", "undecided", "refused by slices", "metric up"), 0)
    for _ in range(repeats):
        differences = draw(random, rows) + truth * LOSS
        difference = PairedDifference.of(differences, np.zeros(rows))
        loss = check_loss(difference, Looks(), MARGIN * LOSS, "log-loss").outcome
        by_slices = check_slices(slices(random, differences), MARGIN * LOSS).outcome
        outcome = "kept" if "failed" in (loss, by_slices) else loss.replace("passed", "promoted")
        counts[outcome] += 1
        counts["refused by slices"] += by_slices == "failed"
        counts["metric up"] += difference.mean < 0
    return {name: count / repeats for name, count in counts.items()}


def promoted_at_some_look(truth: float, repeats: int) -> dict[str, float]:
    """Twenty looks at growing data, until one promotes: with and without memory."""
    random = np.random.default_rng(round(1e4 * (truth + 1)))
    counts = {"memory": 0, "no memory": 0}
    for _ in range(repeats):
        parts = normal(random, LOOKS * NEW_ROWS) + truth * LOSS
        looks, passed = Looks(), {"memory": False, "no memory": False}
        for rows in range(NEW_ROWS, LOOKS * NEW_ROWS + 1, NEW_ROWS):
            difference = PairedDifference.of(parts[:rows], np.zeros(rows))
            for name, before in (("memory", looks), ("no memory", Looks())):
                check = check_loss(difference, before, MARGIN * LOSS, "log-loss")
                passed[name] |= check.outcome == "passed"
            looks = Looks((*looks.before, Look(str(rows), rows, "undecided")))
        for name, is_promoted in passed.items():
            counts[name] += is_promoted
    return {name: count / repeats for name, count in counts.items()}


def lines(repeats: int) -> Iterator[dict[str, object]]:
    """All figures, a line at a time."""
    for draw in (normal, skewed):
        for rows in (2_000, 10_000):
            for name, truth in TRUTHS.items():
                about = {"losses": draw.__name__, "rows": rows, "challenger": name}
                yield {**about, **rates(draw, rows, truth, repeats)}
    for name, truth in TRUTHS.items():
        yield {"looks": LOOKS, "challenger": name, **promoted_at_some_look(truth, repeats)}


def main() -> None:
    """Print each line when it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = []
    for entry in lines(asked.repeats):
        found.append(entry)
        print(*(f"{name} {value}" for name, value in entry.items()), sep=", ", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
