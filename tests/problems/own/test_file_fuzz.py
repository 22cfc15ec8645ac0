"""Whatever a file holds, the answer is sound sequences or one line."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablation.errors import RequestError
from ablation.problems.own import file

CELL = st.sampled_from(["0", "1", "2", "a", "b", "", "nan", "inf", "1e31", "é", '"', "2024-01-01"])
ROWS = st.lists(st.lists(CELL, min_size=3, max_size=5).map(",".join), max_size=12)


def sound_or_one_line(suffix: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(content)
        known: dict[str, Any] = (
            {} if suffix == ".npz" else {"sequence": "id", "time": "t", "label": "y"}
        )
        try:
            length = file.longest(str(path), **known)
            data = file.generate(np.random.default_rng(0), 9, length, path=str(path), **known)
        except RequestError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017
            return
        assert np.isfinite(data.x).all()
        assert data.y.min() >= 0
        assert data.y.max() < data.classes
        assert data.weights.any()


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".csv.gz", ".tsv", ".parquet"])
@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(
    content=st.binary(max_size=200),
    magic=st.sampled_from([b"", b"PK", b"PAR1", b"id,t,x,y\n", b"\x1f\x8b\x08", b"\xff\xfe"]),
)
def test_any_bytes(suffix: str, content: bytes, magic: bytes) -> None:
    sound_or_one_line(suffix, magic + content)


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(rows=ROWS)
def test_any_table(rows: list[str]) -> None:
    sound_or_one_line(".csv", "\n".join(["id,t,x,y", *rows]).encode())
