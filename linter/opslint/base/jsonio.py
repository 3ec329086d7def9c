"""JSON on the hot path: the interpreter's own C scanner and encoder without the `json` package.

`import json` brings `re` and `enum` (7 ms, most of what an interpreter start costs). Where the accelerator is missing
the package is used; what comes out is the same.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

try:
    import _json
except ImportError:
    _json = None  # type: ignore[assignment]


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


class _Options:
    """What the C scanner reads from a decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_constant)
    memo: dict[str, str] = {}


def _c_loads() -> Callable[[str], Any]:
    scan = _json.make_scanner(_Options)  # type: ignore[arg-type]

    def loads(text: str) -> Any:
        try:
            value, end = scan(text, 0)
        except StopIteration:
            raise ValueError("no JSON value") from None
        if end != len(text):
            raise ValueError("text after the JSON value")
        return value

    return loads


def _c_dumps() -> Callable[[object], str]:
    encode = _json.make_encoder(None, _refuse, _json.encode_basestring, None, ":", ",", False, False, False)

    def dumps(value: object) -> str:
        if isinstance(value, str):
            return str(_json.encode_basestring(value))
        if not isinstance(value, list | dict | tuple):
            raise TypeError("the top of a JSON text is a list, an object or a string here")
        return "".join(encode(value, 0))

    return dumps


def _package() -> tuple[Callable[[str], Any], Callable[[object], str]]:
    from json import JSONDecoder, JSONEncoder

    decoder = JSONDecoder(parse_constant=_constant)
    encoder = JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=_refuse)
    return decoder.decode, encoder.encode


if _json is not None and getattr(_json, "make_encoder", None) and getattr(_json, "make_scanner", None):
    loads, dumps = _c_loads(), _c_dumps()
else:
    loads, dumps = _package()
