"""A whole sweep against the loop that people write: python -m benchmarks.sweep.

Runs `python -m ablation` on 4 merge modes x 10 seeds of the lesson, start-up and report included,
and a plain Keras script that fits the lesson's model once per merge mode, each in a process of its
own with all the cores, in turn. Prints seconds per trial of both, and the ratio.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import record

MERGES = ("sum", "mul", "concat", "ave")
PLAIN = Path(__file__).with_name("plain_keras.py")


def main() -> None:
    """Run both, interleaved, and write the table down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the sweep")
    parser.add_argument("--rounds", type=int, default=1, help="how often both are run")
    arguments = parser.parse_args()
    rows = []
    for turn in range(arguments.rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, str(PLAIN), *MERGES], check=True, stdout=subprocess.DEVNULL)
        plain = (time.perf_counter() - began) / len(MERGES)
        with tempfile.TemporaryDirectory() as folder:
            sweep = [f"merge_mode={','.join(MERGES)}", f"seeds={arguments.seeds}"]
            command = [sys.executable, "-m", "ablation", "-m", *sweep, f"results={folder}"]
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            ours = (time.perf_counter() - began) / (len(MERGES) * arguments.seeds)
        rows.append(
            {
                "round": turn + 1,
                "plain Keras, s per trial": round(plain, 2),
                "ablation, s per trial": round(ours, 2),
                "times faster": round(plain / ours, 1),
            }
        )
    record("sweep", rows)


if __name__ == "__main__":
    main()
