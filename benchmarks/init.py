"""What `onward init` takes on a large table, beside another version of this package.

    python benchmarks/init.py [--quick] [--against SRC]

The table is that of `prepare.py`: 1,000,000 rows x 30 columns. ``--against`` names the folder
``src`` of another version; both run in turn, in folders of their own. Printed are the processor
time of the process and its peak memory, which other programs move less than the clock.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from prepare import write_table

OURS = Path(__file__).resolve().parent.parent / "src"


def measured(source: Path, table: Path) -> tuple[float, float]:
    """The processor time in seconds and the peak in MB of `onward init`."""
    environment = {k: v for k, v in os.environ.items() if k != "_RJEM_MALLOC_CONF"}
    environment["PYTHONPATH"] = str(source)
    folder = Path(tempfile.mkdtemp(dir=table.parent))
    command = [sys.executable, "-m", "onward", "init", str(table), "--target", "target"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    shutil.rmtree(folder)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


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
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in versions}
    with tempfile.TemporaryDirectory() as name:
        table = Path(name) / "table.csv"
        write_table(table, rows)
        for _ in range(rounds):
            for version, source in versions.items():
                runs[version].append(measured(source, table))
                seconds, peak = runs[version][-1]
                print(f"{version}: {seconds:.1f} CPU s, {peak:,.0f} MB", flush=True)
    medians = {name: statistics.median(run[0] for run in some) for name, some in runs.items()}
    print(f"{rows:,} rows x 30 columns: {medians['ours']:.1f} CPU s")
    if arguments.against:
        print(f"{medians['ours'] / medians['other']:.2f} times that of the other version")


if __name__ == "__main__":
    main()
