"""The page on real data: its scripts make files that its commands and presets understand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.helpers import CONF, compose, parse_all

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "real-data.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)[4:] for line in re.findall(r"^ {4}(python -m .*)$", PAGE, re.MULTILINE)
]
STUDIES = {words[-1].removeprefix("name="): words for words in COMMANDS}
SCRIPTS = re.findall(r"^ {4}python docs/data/(\w+)\.py$", PAGE, re.MULTILINE)
ARMS = ["direction=forward,go_backwards,bidirectional", "merge_mode=concat,sum,mul,ave"]
GRIDS = [
    {"direction": "forward,go_backwards"},
    {"direction": "bidirectional", "merge_mode": "concat,sum,mul,ave"},
]


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with the files that the scripts read of packages that no test needs otherwise.

    They are much shorter, and the packages have no code: the scripts only read their files.
    """
    rng = np.random.default_rng(1)
    channels = [":".join([",".join(["0.5", "1.5"] * n)] * 12) for n in range(2, 22)]
    vowels = "@data\n" + "".join(f"{text}:{n % 2 + 1}\n" for n, text in enumerate(channels))
    walk = ["timestamp,leg_horiz_fwd,leg_vert,trunk_horiz_fwd,trunk_vert,trunk_horiz_lateral"]
    walk += [f"{t}," + ",".join(map(str, rng.integers(0, 999, 5))) for t in range(1800)]
    tags = ["B-LOC", "I-LOC", "O"]
    words = ["2005", "\u3000", "a", "b"]  # the wide space is a word too
    sentences = [
        "".join(
            f"{word}\tOTHER\tnoun\tname\t*\t{tags[(i + n) % 3]}\n" for i, word in enumerate(words)
        )
        for n in range(40)
    ]
    data = "aeon/datasets/data"
    for name, text in {
        f"{data}/JapaneseVowels/JapaneseVowels_TRAIN.ts": f"#About it\n{vowels}",
        f"{data}/JapaneseVowels/JapaneseVowels_TEST.ts": vowels,
        f"{data}/Daphnet_S06R02E0/S06R02E0.csv": "\n".join(walk) + "\n",
        "hironsan/corpus/iob_sents.txt": "\n".join(sentences),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_each_study_has_a_command_a_script_and_a_preset() -> None:
    assert list(STUDIES) == SCRIPTS
    assert sorted(SCRIPTS) == sorted(path.stem for path in (DOCS / "data").glob("*.py"))


@pytest.mark.parametrize("name", STUDIES)
def test_a_preset_asks_for_what_the_command_on_the_page_does(
    name: str, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (DOCS / "data" / f"{name}.py").read_text(encoding="utf-8").replace("20_000", "500")
    paths = os.pathsep.join([str(packages), *sys.path])
    command = [sys.executable, "-W", "error", "-c", script]
    subprocess.run(command, cwd=packages, env=os.environ | {"PYTHONPATH": paths}, check=True)
    monkeypatch.chdir(packages)
    typed = [word for word in STUDIES[name] if word not in ARMS]
    assert len(typed) == len(STUDIES[name]) - len(ARMS)
    preset = f"experiment={name}"
    assert parse_all(compose(preset)) == parse_all(compose(*typed))
    text = (CONF / "experiment" / f"{name}.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["hydra"]["sweeper"]["grids"] == GRIDS
