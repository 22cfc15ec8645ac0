"""A short campaign of faults, and whether its ledger would see what must not be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ablation.planning import FIRST_ROUND
from ablation.storage import Store
from tests.chaos.campaign import Campaign
from tests.chaos.grid import Grid
from tests.chaos.ledger import Ledger
from tests.chaos.site import Site
from tests.helpers import make_result, make_trial

TRIAL = make_trial()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_nothing_is_lost_and_nothing_is_trained_twice(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, seed=3, kills=12, seeds=4)
    campaign.run(quota=24)  # enough for the storm of one round
    assert campaign.kills >= 12
    assert campaign.storm.sent.total() > 0  # from outside
    assert campaign.ledger.deaths.total() > 0  # at chosen points
    assert campaign.ledger.commits >= 24
    assert not campaign.violations


def test_damage_that_only_a_later_round_meets_is_made_good(tmp_path: Path) -> None:
    site = Site(tmp_path / "site", {})
    sweep = [*Grid(2, seeds=11).largest, "units=5", "max_seeds=12"]
    assert "seeds=auto" in sweep
    first = site.start(sweep)
    site.wait(first)
    results = map(site.store.inspect, site.ledger.results)
    late = next(result.trial for result in results if result and result.trial.seed >= FIRST_ROUND)
    site.ledger.replace(late.id, b"")
    second = site.start(sweep)
    site.wait(second)
    assert (first.code, second.code) == (0, 0)
    assert late.id in site.ledger.results
    assert not site.violations


def ledger_of(store: Store) -> Ledger:
    return Ledger(store, store.root / "log", {})


def say(ledger: Ledger, *lines: Sequence[object]) -> dict[str, list[str]]:
    """What the ledger has to say to these lines: a process, a word, a trial's id."""
    with ledger.log.open("a") as file:
        file.writelines(f"{pid} {word} {id}\n" for pid, word, id in lines)
    ledger.check()
    return ledger.violations


def test_a_trial_may_be_killed_and_trained_by_another_process(store: Store) -> None:
    store.commit(make_result(TRIAL))
    lines = [(1, "trains", TRIAL.id), (2, "trains", TRIAL.id), (2, "trained", TRIAL.id)]
    assert not say(ledger_of(store), *lines, (2, "commits", TRIAL.id))


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ([(1, "trains"), (1, "commits"), (2, "trains")], "trained twice"),
        ([(1, "trains"), (2, "trains"), (1, "trained")], "trained by two"),
        ([(1, "commits"), (2, "commits")], "committed twice"),
    ],
)
def test_the_ledger_sees_what_processes_must_not_do(
    lines: list[tuple[int, str]], rule: str, store: Store
) -> None:
    ledger = ledger_of(store)
    assert list(say(ledger, *((pid, word, TRIAL.id) for pid, word in lines))) == [rule]


def test_a_commit_that_nobody_told_of_counts(store: Store) -> None:
    ledger = ledger_of(store)
    store.commit(make_result(TRIAL))
    assert not say(ledger, (1, "trains", TRIAL.id))
    assert list(say(ledger, (2, "trains", TRIAL.id))) == ["trained twice"]


def test_the_ledger_sees_what_files_must_not_do(store: Store) -> None:
    path = store.path(TRIAL.id)
    ledger = ledger_of(store)
    store.commit(make_result(TRIAL))
    assert not say(ledger)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)  # the same bytes, but another file
    assert list(say(ledger)) == ["lost"]
    ledger.violations.clear()
    path.unlink()
    assert list(say(ledger)) == ["lost"]
    ledger.violations.clear()
    path.write_bytes(json.dumps({"schema": 1}).encode())
    assert list(say(ledger)) == ["unreadable"]
    ledger.violations.clear()
    path.rename(path.with_suffix(".damaged-1"))
    assert list(say(ledger)) == ["lost"]


def test_what_the_campaign_damages_may_be_trained_again(store: Store) -> None:
    ledger = ledger_of(store)
    store.commit(make_result(TRIAL))
    assert not say(ledger, (1, "trains", TRIAL.id), (1, "commits", TRIAL.id))
    ledger.replace(TRIAL.id, b"garbage")
    assert not say(ledger)
    with pytest.warns(UserWarning, match="is damaged"):
        assert store.read(TRIAL.id) is None
    store.commit(make_result(TRIAL))
    assert not say(ledger, (2, "trains", TRIAL.id), (2, "commits", TRIAL.id))
