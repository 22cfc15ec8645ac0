from __future__ import annotations

from pathlib import Path

import pytest

from ablation.errors import RequestError
from ablation.execution import DASK, open_trainer
from ablation.planning import parse
from ablation.storage import Store
from tests.helpers import compose, make_trial


@pytest.mark.parametrize(("cluster", "command"), [("pbs", "qsub"), ("lsf", "bsub")])
def test_a_machine_without_the_batch_system_is_told(
    cluster: str, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    settings = parse(compose(f"cluster={cluster}")).settings
    with (
        pytest.raises(RequestError, match=rf"^cluster={cluster}: no command {command} here"),
        open_trainer(settings, "") as trainer,
    ):
        trainer.train([make_trial()], Store(tmp_path), None, None)


def test_the_page_shows_the_settings_that_jobs_have() -> None:
    page = (Path(__file__).parents[3] / "docs" / "clusters.md").read_text(encoding="utf-8")
    assert "".join(f"    export {name}={value}\n" for name, value in DASK.items()) in page


def test_a_wrong_address_is_refused_before_anything_starts() -> None:
    address = "cluster.address=127.0.0.1"
    with pytest.raises(RequestError, match=r"^cluster: address=127.0.0.1: the scheduler's address"):
        parse(compose("cluster=dask", address))
    with pytest.raises(RequestError, match=r"^cluster: address=null"):
        parse(compose("cluster=dask"))
    with pytest.raises(RequestError, match=r"tls:// and cluster.tls go together"):
        parse(compose("cluster=dask", "cluster.address=tls://host:1"))
