from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from ablation.errors import RequestError
from ablation.planning.parse import parse
from tests.helpers import CONF, compose, parse_all

WRONG: list[tuple[list[str], list[str]]] = [
    (["units=0"], ["units=0", "greater than 0"]),
    (["units=-3"], ["units=-3", "greater than 0"]),
    (["units=abc"], ["units=abc", "whole number"]),
    (["units=010"], ["units='010': ", "whole number"]),
    (["units=1.5"], ["units=1.5", "whole number"]),
    (["units=true"], ["units=true: ", "whole number"]),
    (["units=[3,4]"], ["units=[3, 4]", "whole number", "for a sweep say -m units=3,4"]),
    (["units=null"], ["units=null: ", "whole number"]),
    (["~units"], ["units", "missing"]),
    (["length=0"], ["length=0", "greater than 0"]),
    (["layers=0"], ["layers=0", "greater than 0"]),
    (["units=1e3"], ["units=1000.0: ", "whole number"]),
    (["results=''"], ["results=: a name is needed"]),
    (["name=5"], ["name=5: text is needed"]),
    (["max_seeds=1"], ["max_seeds=1: it must be greater than or equal to 2"]),
    (["training.dropout=1.5"], ["training.dropout=1.5: it must be less than 1"]),
    (["training.stop_at=2"], ["training.stop_at=2: it must be less than or equal to 1"]),
    (["training.validation=1.5"], ["training.validation=1.5: a share between 0 and 1"]),
    (["training.validation=half"], ["training.validation=half: a share between 0 and 1 is needed"]),
    (
        ["training.validation=validation"],
        ["training.validation=validation: the data has no such part", "0.1"],
    ),
    (
        ["training=smoke", "training.validation=0.1", "training.batch_size=181"],
        ["batch_size=181 is more than sequences=200, of which validation=0.1 takes 20"],
    ),
    (["training.patience=5"], ["training: patience=5", "needs validation, such as validation=0.1"]),
    (
        ["training.validation=0.1", "training.patience=0"],
        ["training.patience=0: it must be greater than 0"],
    ),
    (["training.warmup=1"], ["training.warmup=1: it must be less than 1"]),
    (["training.weight_decay=-1"], ["training.weight_decay=-1", "greater than or equal to 0"]),
    (["seeds=0"], ["seeds=0", "whole number"]),
    (["seeds='5'"], ["seeds='5': a whole number"]),
    (["workers=0"], ["workers=0", "greater than 0"]),
    (["time_limit=0"], ["time_limit=0", "greater than 0"]),
    (["plan=maybe"], ["plan=maybe", "true or false"]),
    (["training=smoke", "training.batch_size=201"], ["batch_size=201", "sequences=200"]),
    (["training.optimizer=admm"], ["training.optimizer=admm", "sgd", "did you mean adam?"]),
    (["training.learning_rate=0"], ["training.learning_rate=0", "greater than 0"]),
    (["training.learning_rate=nan"], ["training.learning_rate=nan"]),
    (["training.learning_rate=inf"], ["training.learning_rate=inf", "finite"]),
    (["problem.test_size=0"], ["problem.test_size=0", "greater than 0"]),
    (["+unit=5"], ["unit: unknown key", "did you mean units?"]),
    (["+training.batchsize=5"], ["training.batchsize", "did you mean batch_size?"]),
    (["merge_mode=[sum,mul]"], ["merge_mode=[sum,mul]", "-m merge_mode=sum,mul"]),
    (["direction=[forward]"], ["direction=[forward]", "one choice"]),
    (["direction=[]"], ["direction=[]: one choice is needed"]),
    (["+_target_=os.system"], ["_target_", "code"]),
    (["+training._target_=os.system"], ["training._target_", "code"]),
    (["+problem._target_=os.system"], ["problem._target_", "code"]),
    (["name=../x"], ["name", "folder"]),
    (["name=/tmp/x"], ["name", "folder"]),
    (["name=.hidden"], ["name", "folder"]),
    (["name='<script>'"], ["name", "folder"]),
    (["name=''"], ["name", "folder"]),
    (["name=" + "a" * 300], ["name", "80"]),
    (["name='" + "\N{DESERET CAPITAL LETTER LONG I}" * 80 + "'"], ["name"]),  # 320 bytes
    (["name=trials"], ["name: trials", "another"]),
    (["name=attempts"], ["name: attempts", "another"]),
    (["name=trials.lock"], ["name: trials.lock", "another"]),
]


@pytest.mark.parametrize(("overrides", "said"), WRONG, ids=[" ".join(w[0])[:24] for w in WRONG])
def test_a_wrong_value_is_one_line_with_its_key(overrides: list[str], said: list[str]) -> None:
    config = compose(*overrides)
    with pytest.raises(RequestError) as caught:
        parse_all(config, *overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for part in said:
        assert part in message


def test_what_is_possible_is_told_of_every_choice() -> None:
    for key in ("direction", "merge_mode", "cell", "engine"):
        wrong = compose()
        OmegaConf.update(wrong, key, "nothing")
        with pytest.raises(RequestError, match=f"^{key}=nothing: choose one of [a-z_]+, "):
            parse(wrong)


@pytest.mark.parametrize("name", ["a", "été_2", "lr=0.1,0.2", "no", "010", "x" * 80])
def test_a_good_name_is_taken(name: str) -> None:
    assert parse(compose(f"name='{name}'")).settings.name == name


def test_every_preset_begins_with_its_command() -> None:
    for path in (CONF / "experiment").glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[:2]
        assert first == ["# @package _global_", f"# python -m ablation experiment={path.stem}"]
