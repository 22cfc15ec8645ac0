"""A folder in which commands run, and the rules for how they may end."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

from ablation.storage import Store
from tests.chaos.ledger import Ledger
from tests.chaos.processes import Command, Commands


class Site:
    """Runs commands in a folder, and checks how they end and what they leave.

    violations: messages by rule, shared by all sites.
    """

    def __init__(self, folder: Path, violations: dict[str, list[str]]) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.results = folder / "results"
        self.store = Store(self.results)
        self.violations = violations
        output = folder.with_name(f"{folder.name}-output")  # outside, as the folder may be full
        self.commands = Commands(folder, output)
        self.ledger = Ledger(self.store, output / "log", violations)

    def start(self, arguments: Sequence[str], fates: str = "", stale: int = Store.stale) -> Command:
        """Start a command. fates: see faults.FATES. stale: its Store.stale."""
        return self.commands.start(arguments, fates, stale)

    def wait(self, *started: Command) -> None:
        """Wait for commands, and check their exit codes against the signals that they got."""
        for command in started:
            if not command.wait():
                self.violated("ended wrongly", command, "it hangs")
                continue
            killed = "parent/" in command.fates or any("SIGKILL" in n for n in command.signals)
            interrupted = any("SIGINT" in n or "SIGTERM" in n for n in command.signals)
            allowed = {0, 1, 2} | ({-signal.SIGKILL} if killed else set())
            allowed |= {130, -signal.SIGINT, -signal.SIGTERM} if interrupted else set()
            output = command.err.read_text() + command.out.read_text()
            # Python ignores exceptions in some of its own callbacks; it then only prints them.
            output = re.sub(r"Exception ignored in(.*\n)+?KeyboardInterrupt: *\n", "", output)
            message = re.search("^ablation: ", command.err.read_text(), re.MULTILINE)
            if command.code not in allowed:
                self.violated("ended wrongly", command, f"with {command.code}")
            elif "Traceback" in output or (command.code in (1, 2) and not message):
                self.violated("ended wrongly", command, "without a one-line message")
        self.ledger.check()

    def violated(self, rule: str, command: Command, message: str) -> None:
        """Record a violation of a rule by a command, whose output shows it."""
        history = ", ".join(filter(None, [*command.signals, command.fates]))
        self.violations[rule].append(f"{command.err}: {message} (after {history or 'nothing'})")

    def check_no_temporary_files(self) -> None:
        """Record a violation for each temporary file in the results folder."""
        for path in self.results.rglob(".*.tmp"):
            self.violations["left behind"].append(str(path))
