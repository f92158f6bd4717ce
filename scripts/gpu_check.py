#!/usr/bin/env python3
"""Check all that needs a GPU, in under six minutes, and write a table of it.

    python scripts/gpu_check.py [OUT.md] [--seconds N] [--only NAME ...]

Each check of `gpu_checks.py` runs in a process of its own: an error on a GPU may leave its process
without the device. A check that hangs is stopped, and one for which no time is left is left out.
Exit code 1 says that a check did not pass. Some only measure. Without a GPU the same checks run on
the CPU with few rows, which shows that their logic works and says nothing else.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKS = Path(__file__).with_name("gpu_checks.py")
SECONDS = 340  # of all checks together
NAMES = {  # the seconds that a check may take, in the order of what matters
    "machine": 30,
    "models": 60,
    "bits": 40,
    "resumed": 60,
    "streamed": 60,
    "large_batches": 40,
    "peers": 40,
    "plug_in": 30,
    "memory": 40,
    "speed": 120,
    "floor": 40,
    "validation": 40,
}


@dataclass(frozen=True)
class Result:
    """Of one check."""

    name: str
    verdict: str
    """``ok``, ``measured``, ``failed``, ``hung`` or ``left out``."""
    found: str
    seconds: float

    @property
    def row(self) -> str:
        """Of the table."""
        found = self.found.replace("|", "\\|").replace("\n", " ")
        return f"| {self.name} | {self.verdict} | {found} | {self.seconds:.0f} |"


def command_of(name: str) -> list[str]:
    """What runs a check."""
    return [sys.executable, str(CHECKS), name]


def run(name: str, command: Sequence[str], timeout: float) -> Result:
    """Run a check, which prints a JSON object in its last line: what it found, and ``ok``.

    ``ok`` is null where nothing is judged.
    """
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return Result(name, "hung", f"stopped after {timeout:.0f} s", timeout)
    seconds = time.monotonic() - started
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        return Result(name, "failed", f"exit code {done.returncode}: {lines[-1][:300]}", seconds)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    verdict = {None: "measured", True: "ok", False: "failed"}[found.pop("ok")]
    return Result(name, verdict, ", ".join(f"{k}: {v}" for k, v in found.items()), seconds)


def results(names: Sequence[str], seconds: float) -> Iterator[Result]:
    """Of each check, as long as there is time; with more than usual, each may take longer."""
    end, slower = time.monotonic() + seconds, max(1.0, seconds / SECONDS)
    for name in names:
        left = end - time.monotonic()
        if left < min(NAMES[name], 10):
            yield Result(name, "left out", "no time left", 0.0)
        else:
            yield run(name, command_of(name), min(left, slower * NAMES[name]))


def main() -> int:
    """Run the checks, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT.md")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    arguments = parser.parse_args()
    lines = ["| check | verdict | found | s |", "|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    verdicts = []
    for result in results(arguments.only, arguments.seconds):
        print(result.row, flush=True)
        lines.append(result.row)
        verdicts.append(result.verdict)
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n")
    return int(any(verdict not in {"ok", "measured"} for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
