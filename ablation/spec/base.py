"""What all parts of a request are made of: checked, frozen values and their canonical JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict

from ablation.errors import suggest

DOTTED = r"[^\W\d]\w*(\.[^\W\d]\w*)+"  # package.module.Name: code of the user's own


def one_of(*choices: str, or_own: bool = False) -> AfterValidator:
    """Check that a text is one of the choices, and say which come close when it is not.

    or_own: the dotted name of the user's own code is possible too.
    """

    def check(value: str) -> str:
        if value in choices or (or_own and re.fullmatch(DOTTED, value)):
            return value
        raise ValueError(suggest(value, choices))

    return AfterValidator(check)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same with other values; what was computed from the old ones is not copied."""
        copied = super().model_copy(update=update, deep=deep)
        for name in list(copied.__dict__):
            if isinstance(getattr(type(self), name, None), cached_property):
                del copied.__dict__[name]  # such as a hash or an id
        return copied


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes, 1 and 1.0 too."""

    def plain(part: Any) -> Any:
        if part is None or isinstance(part, str | int):  # first, as most parts are
            return part
        if isinstance(part, Mapping):
            return {key: plain(inner) for key, inner in part.items()}
        if isinstance(part, list | tuple):
            return [plain(inner) for inner in part]
        whole = isinstance(part, float) and part.is_integer() and abs(part) < 2**53
        return int(part) if whole else part

    return dumped(plain(value))


def dumped(plain: Any) -> bytes:
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()
