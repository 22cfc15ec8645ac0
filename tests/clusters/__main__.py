"""Train the same sweep on a cluster under faults and on this machine, and compare the results."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.clusters import hosts, slurm
from tests.clusters.sweeps import Check, Unavailable

SITES = {"slurm": slurm.campaign, "hosts": hosts.campaign}


def main() -> None:
    """Run a campaign and print its checks; exit 1 where one failed, 3 where it cannot run here."""
    parser = argparse.ArgumentParser("python -m tests.clusters", description=__doc__)
    parser.add_argument("site", choices=SITES, help="a SLURM, or two hosts without a common folder")
    parser.add_argument("--folder", type=Path, help="a new folder for all files")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="clusters-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # SLURM's daemons read there
    began = time.monotonic()
    checks: list[Check] = []
    try:
        for check in SITES[arguments.site](folder.resolve()):
            checks.append(check)
            print(f"{'ok  ' if check.holds else 'FAIL'} {check.what}", flush=True)
    except Unavailable as reason:
        print(f"cannot run here: {reason}")
        sys.exit(3)
    failed = sum(not check.holds for check in checks)
    print(f"{len(checks)} checks, {failed} failed, {time.monotonic() - began:.0f} s; {folder}")
    sys.exit(1 if failed or not checks else 0)


if __name__ == "__main__":
    main()
