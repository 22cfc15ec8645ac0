"""Kill sweeps at random and at chosen points, and report lost results and repeated training."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.campaign import Campaign
from tests.chaos.cluster import ClusterCampaign

RULES = (
    "lost",
    "trained twice",
    "trained by two",
    "committed twice",
    "unreadable",
    "left behind",
    "ended wrongly",
    "another report",
)


def main() -> None:
    """Run the campaign; exit 1 on any violation, or if there was no time for all kills."""
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", default=500, type=int, help="minimum number of kills")
    parser.add_argument("--minutes", default=20.0, type=float, help="start no round after this")
    parser.add_argument("--seed", default=0, type=int, help="of the random kills")
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="train on a Dask cluster: kill commands, workers, what trains for them, the scheduler",
    )
    parser.add_argument("--folder", type=Path, help="a new or empty folder for all files")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        parser.error(f"--folder {folder}: not empty")
    began = time.monotonic()
    kind = ClusterCampaign if arguments.cluster else Campaign
    campaign = kind(folder.resolve(), arguments.seed, arguments.kills, arguments.minutes)
    campaign.run()
    show(campaign, time.monotonic() - began)
    sys.exit(1 if campaign.broken or campaign.kills < arguments.kills else 0)


def show(campaign: Campaign, seconds: float) -> None:
    """Print the counts, one per line, and examples of violations."""
    ledger = campaign.ledger
    rows = [("kills", campaign.kills), ("seconds", round(seconds))]
    rows += [("runs", campaign.site.commands.started)]
    rows += sorted(campaign.counts.items())
    rows += [("trainings begun", ledger.trainings), ("commits", ledger.commits)]
    rows += sorted((f"killed from outside: {name}", n) for name, n in campaign.storm.sent.items())
    rows += sorted((f"died at a point: {name}", n) for name, n in ledger.deaths.items())
    rows += [(f"VIOLATIONS: {rule}", len(campaign.violations.get(rule, []))) for rule in RULES]
    width = max(len(name) for name, _ in rows)
    for name, number in rows:
        print(f"{name:<{width}}  {number:>6,}")
    for rule, messages in campaign.violations.items():
        for message in messages[:20]:
            print(f"{rule}: {message}")
    print(f"All files are in {campaign.folder}")


if __name__ == "__main__":
    main()
