"""The score of each test sequence, packed: a few KB for thousands of sequences.

An array is a text "TYPE:DATA", where DATA is the base64 of the zlib stream of its values. TYPE is
the narrowest of u1, u2, u4 and u8, unsigned little-endian integers of so many bytes, or b2: the
upper two bytes of a float32 (bfloat16), good to 0.4 %, far less than what two seeds differ by.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ablation.data import Array
from ablation.spec import Frozen


class BySequence(Frozen):
    """What a trial scored on each test sequence, in the order of the problem's test set.

    score: what was summed over the labels of a sequence that count: "hits", 1 for a right label, or
    "squared_error" of a number. sequences: how many. packed_groups: None where there are no groups.
    """

    score: Literal["hits", "squared_error"]
    sequences: Annotated[int, Field(ge=1)]
    packed_sums: str
    packed_labels: str
    packed_groups: str | None = None

    @classmethod
    def of(
        cls,
        score: Literal["hits", "squared_error"],
        scores: Array,
        weights: Array,
        group: Array | None = None,
    ) -> BySequence:
        """Sum the scores of the labels that count.

        scores: (n, ...). weights: 0 or 1, the same shape. group: (n,) int, or None.
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

    @model_validator(mode="after")
    def _can_be_unpacked(self) -> Self:
        for text in (self.packed_sums, self.packed_labels, self.packed_groups):
            if text is not None:
                unpack(text, self.sequences)
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
    return f"{name}:{base64.b64encode(zlib.compress(plain.tobytes(), 9)).decode()}"


def unpack(text: str, n: int) -> Array:
    """The n values of a packed array. Raises ValueError if the text does not hold these."""
    name, _, data = text.partition(":")
    if name not in ("u1", "u2", "u4", "u8", "b2"):
        raise ValueError(f"{name[:10]!r} is no type of a packed array")
    size = n * int(name[1])
    stream = zlib.decompressobj()
    try:  # one byte more than needed: what does not end there is too long, however long it is
        plain = stream.decompress(base64.b64decode(data, validate=True), size + 1)
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"a packed array cannot be read ({error})") from None
    if len(plain) != size or not stream.eof:
        raise ValueError(f"a packed array does not have {n} values")
    values = np.frombuffer(plain, "<u2" if name == "b2" else f"<{name}")
    return (values.astype("<u4") << 16).view("<f4") if name == "b2" else values
