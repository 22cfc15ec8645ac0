"""A folder in which commands run, and what must hold of how they end."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

from ablation.storage import Store
from tests.chaos.ledger import Ledger
from tests.chaos.processes import Command, Commands


class Site:
    """Runs commands in a folder, and keeps account of all of them.

    violations: sentences, by the rule that is broken; sites share them.
    """

    def __init__(self, folder: Path, violations: dict[str, list[str]]) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.results = folder / "results"
        self.store = Store(self.results)
        self.violations = violations
        said = folder.with_name(f"{folder.name}-said")  # what it says takes no room in the folder
        self.commands = Commands(folder, said)
        self.ledger = Ledger(self.store, said / "log", violations)

    def start(self, arguments: Sequence[str], fates: str = "", stale: int = Store.stale) -> Command:
        """Start a command; fates: where its processes die; stale: Store.stale as it sees it."""
        return self.commands.start(arguments, fates, stale)

    def wait(self, *started: Command) -> None:
        """Wait until they have ended, and hold how they did against what was done to them."""
        for command in started:
            if not command.wait():
                self.violated("ended wrongly", command, "it hangs")
                continue
            killed = "parent/" in command.fates or any("SIGKILL" in name for name in command.told)
            interrupted = any("SIGINT" in name or "SIGTERM" in name for name in command.told)
            allowed = {0, 1, 2} | ({-signal.SIGKILL} if killed else set())
            allowed |= {130, -signal.SIGINT, -signal.SIGTERM} if interrupted else set()
            said = command.err.read_text() + command.out.read_text()
            # Python itself calls some code that nobody can interrupt; the signal is then in vain.
            said = re.sub(r"Exception ignored in(.*\n)+?KeyboardInterrupt: *\n", "", said)
            told = re.search("^ablation: ", command.err.read_text(), re.MULTILINE)
            if command.code not in allowed:
                self.violated("ended wrongly", command, f"with {command.code}")
            elif "Traceback" in said or (command.code in (1, 2) and not told):
                self.violated("ended wrongly", command, "not with a line")
        self.ledger.check()

    def violated(self, rule: str, command: Command, what: str) -> None:
        """A rule is broken, as one can see in what the command printed."""
        history = ", ".join(filter(None, [*command.told, command.fates]))
        self.violations[rule].append(f"{command.err}: {what} (after {history or 'nothing'})")

    def left_behind(self) -> None:
        """No temporary file may be here."""
        for path in self.results.rglob(".*.tmp"):
            self.violations["left behind"].append(str(path))
