"""What `onward init` takes on a large table, beside another version of this package.

    python benchmarks/init.py [--quick] [--against SRC]

The table is that of `prepare.py`: 1,000,000 rows x 30 columns. ``--against`` names the folder
``src`` of another version; both run in turn, in folders of their own. Printed are the processor
time of the process and its peak memory, which other programs move less than the clock.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from prepare import Run, measured, median, write_table

OURS = Path(__file__).resolve().parent.parent / "src"


def measured_init(source: Path, table: Path) -> Run:
    """What `onward init` of this version takes, in a folder of its own."""
    command = [sys.executable, "-m", "onward", "init", str(table), "--target", "target"]
    with tempfile.TemporaryDirectory(dir=table.parent) as folder:
        return measured(command, Path(folder), PYTHONPATH=str(source))


def main() -> None:
    """Run them in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one round")
    parser.add_argument("--against", type=Path, metavar="SRC", help="another version of src")
    arguments = parser.parse_args()
    rows, rounds = (100_000, 1) if arguments.quick else (1_000_000, 3)
    versions = {"ours": OURS} | ({"other": arguments.against} if arguments.against else {})
    runs: dict[str, list[Run]] = {name: [] for name in versions}
    with tempfile.TemporaryDirectory() as name:
        table = Path(name) / "table.csv"
        write_table(table, rows)
        for _ in range(rounds):
            for version, source in versions.items():
                run = measured_init(source, table)
                runs[version].append(run)
                print(f"{version}: {run.cpu_seconds:.1f} CPU s, {run.peak_mb:,.0f} MB", flush=True)
    medians = {name: median(some).cpu_seconds for name, some in runs.items()}
    print(f"{rows:,} rows x 30 columns: {medians['ours']:.1f} CPU s")
    if arguments.against:
        print(f"{medians['ours'] / medians['other']:.2f} times that of the other version")


if __name__ == "__main__":
    main()
