"""The score of each test sequence, packed: a few KB for thousands of sequences.

An array is a text "TYPE:DATA", where DATA is the base64 of the zlib stream of its values. TYPE is
the narrowest of u1, u2, u4 and u8, unsigned little-endian integers of so many bytes, or b2: the
upper two bytes of a float32 (bfloat16), good to 0.4 %, far less than what two seeds differ by.
Names are JSON, packed in the same way, and left out where they would take more than MOST_NAMES.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ablation.data import Array
from ablation.spec import Frozen

MOST_NAMES = 16_000  # characters, packed: of each result
MOST_TEXT = 2_000_000  # bytes of names that are unpacked: a forged text may be far longer


class BySequence(Frozen):
    """What a trial scored on each test sequence, in the order of the problem's test set.

    score: what was summed over the labels of a sequence that count: "hits", 1 for a right label, or
    "squared_error" of a number. sequences: how many. packed_groups: None where there are no groups.
    packed_names: None where the sequences have no names, or too long ones.
    """

    score: Literal["hits", "squared_error"]
    sequences: Annotated[int, Field(ge=1)]
    packed_sums: str
    packed_labels: str
    packed_groups: str | None = None
    packed_names: str | None = None

    @classmethod
    def of(
        cls,
        score: Literal["hits", "squared_error"],
        scores: Array,
        weights: Array,
        group: Array | None = None,
        names: Sequence[str] | None = None,
    ) -> BySequence:
        """Sum the scores of the labels that count.

        scores: (n, ...). weights: 0 or 1, the same shape. group: (n,) int, or None. names: n.
        """
        n = len(scores)
        counted = weights.reshape(n, -1) > 0
        # A prediction of NaN does not count either where its label does not.
        sums = np.where(counted, scores.reshape(n, -1), 0).sum(axis=1, dtype=np.float64)
        index = None if group is None else np.unique(group, return_inverse=True)[1]
        return cls(
            score=score,
            sequences=n,
            packed_sums=pack(sums.astype(np.int64) if score == "hits" else sums),
            packed_labels=pack(counted.sum(axis=1)),
            packed_groups=None if index is None else pack(index),
            packed_names=None if names is None else _pack_names(names),
        )

    @property
    def sums(self) -> Array:
        """(sequences,) the summed score of each sequence; float64, whole numbers for hits."""
        return unpack(self.packed_sums, self.sequences).astype(np.float64)

    @property
    def labels(self) -> Array:
        """(sequences,) int64, how many labels of each sequence count; it may be 0."""
        return unpack(self.packed_labels, self.sequences).astype(np.int64)

    @property
    def groups(self) -> Array | None:
        """(sequences,) int64, the group of each sequence, numbered from 0; None without groups."""
        if self.packed_groups is None:
            return None
        return unpack(self.packed_groups, self.sequences).astype(np.int64)

    @property
    def names(self) -> list[str] | None:
        """What the problem calls each sequence; None if it does not, or if it is too much."""
        return None if self.packed_names is None else _unpack_names(self.packed_names)

    @model_validator(mode="after")
    def _can_be_unpacked(self) -> Self:
        for text in (self.packed_sums, self.packed_labels, self.packed_groups):
            if text is not None:
                unpack(text, self.sequences)
        if (
            self.packed_names is not None
            and len(_unpack_names(self.packed_names)) != self.sequences
        ):
            raise ValueError(f"{self.sequences} names are needed")
        return self


def pack(values: Array) -> str:
    """Pack non-negative integers exactly, or floats to eight significant bits."""
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            bits = values.astype("<f4").view("<u4")
        name, plain = "b2", ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
    else:
        plain = values.astype(np.min_scalar_type(int(values.max(initial=0))).newbyteorder("<"))
        name = f"u{plain.itemsize}"
    return f"{name}:{_deflate(plain.tobytes())}"


def unpack(text: str, n: int) -> Array:
    """The n values of a packed array. Raises ValueError if the text does not hold these."""
    name, _, data = text.partition(":")
    if name not in ("u1", "u2", "u4", "u8", "b2"):
        raise ValueError(f"{name[:10]!r} is no type of a packed array")
    size = n * int(name[1])
    plain = _inflate(data, size)
    if len(plain) != size:
        raise ValueError(f"a packed array does not have {n} values")
    values = np.frombuffer(plain, "<u2" if name == "b2" else f"<{name}")
    return (values.astype("<u4") << 16).view("<f4") if name == "b2" else values


def _pack_names(names: Sequence[str]) -> str | None:
    plain = json.dumps(list(names)).encode()
    packed = _deflate(plain)
    return packed if len(packed) <= MOST_NAMES and len(plain) <= MOST_TEXT else None


def _unpack_names(text: str) -> list[str]:
    names = json.loads(_inflate(text, MOST_TEXT))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("packed names are no list of texts")
    return names


def _deflate(plain: bytes) -> str:
    return base64.b64encode(zlib.compress(plain, 9)).decode()


def _inflate(text: str, most: int) -> bytes:
    """Undo `_deflate`. Raises ValueError if it cannot be, or gives more than so many bytes."""
    stream = zlib.decompressobj()
    try:  # what does not end after one byte more is too long, however long it is
        plain = stream.decompress(base64.b64decode(text, validate=True), most + 1)
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"a packed array cannot be read ({error})") from None
    if not stream.eof:
        raise ValueError("a packed array is cut short, or longer than it should be")
    return plain
