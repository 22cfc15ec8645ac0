"""The sweeps of one round."""

from __future__ import annotations

from dataclasses import dataclass

SIZE = ("length=4", "problem.test_size=60", "training=smoke", "training.sequences=40", "workers=2")


@dataclass(frozen=True)
class Grid:
    """Three sweeps whose arms overlap; different rounds share no trials."""

    number: int
    seeds: int

    @property
    def units(self) -> tuple[int, int]:
        return 2 * self.number + 1, 2 * self.number + 2

    @property
    def sweeps(self) -> list[list[str]]:
        """The arguments of each sweep; the last one has all arms."""
        return [
            self._sweep("one", "direction=forward,go_backwards"),
            self._sweep("two", "direction=go_backwards,bidirectional"),
            self._sweep("all", "direction=forward,go_backwards,bidirectional"),
        ]

    @property
    def largest(self) -> list[str]:
        """The arguments of the sweep with all arms."""
        return self.sweeps[-1]

    @property
    def name(self) -> str:
        """The name of the sweep with all arms."""
        return f"all-{self.number}"

    def _sweep(self, which: str, directions: str) -> list[str]:
        # Every third round uses seeds=auto, which depends on the stored results.
        auto = which == "all" and self.number % 3 == 2
        seeds = [f"seeds={self.seeds}"]
        if auto:  # no pair is equivalent within less than a label, so later rounds come
            seeds = ["seeds=auto", f"max_seeds={self.seeds + 4}", "report.margin=0.0001"]
        units = "units={},{}".format(*self.units)
        name = f"name={which}-{self.number}"
        return ["-m", directions, "merge_mode=sum", units, *seeds, name, *SIZE]
