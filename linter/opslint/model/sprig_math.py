"""Go's comparisons and Sprig's numbers, encodings and paths (see `opslint.model.sprig`)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_values import Opaque, RenderError, Text, go_text, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ANY = 1_000
"""Stands for any number of arguments."""


def text(value: Any) -> Text:
    """Sprig's string of a value; strings keep their marks."""
    if isinstance(value, Text):
        return value
    return Text(value) if isinstance(value, str) else go_text(value, "")


def whole(value: Any) -> int:
    """Sprig's ``int64``: floats are cut, strings parsed, what is no number is 0."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if abs(value) < 1e18 else 0
    if isinstance(value, str):
        body = str(value)
        try:
            return int(body, 0) if len(body) < 40 else 0
        except ValueError:
            return _octal(body)
    return 0


def _octal(body: str) -> int:
    digits = body.lstrip("+-")
    if len(digits) > 1 and digits.isdigit() and digits[0] == "0" and not set(digits) & {"8", "9"} and len(digits) < 20:
        return int(digits, 8) * (-1 if body.startswith("-") else 1)
    return 0


def number(value: Any) -> float:
    """Sprig's ``float64``."""
    if isinstance(value, str):
        try:
            return float(str(value)) if len(value) < 40 and "_" not in value else 0.0
        except ValueError:
            return 0.0
    return float(value) if isinstance(value, int | float) else 0.0


def go_equal(left: Any, right: Any) -> bool:
    """Compare two basic values of one kind, else False."""
    return kind_of(left) == kind_of(right) and bool(left == right)


def _comparable(left: Any, right: Any) -> None:
    first, second = kind_of(left), kind_of(right)
    if first != second and "invalid" not in (first, second):
        raise RenderError(f"incompatible types for comparison: {first} with {second}")
    if first in ("slice", "map") or second in ("slice", "map"):
        raise RenderError("values of a type that cannot be compared")


def _eq(first: Any, *others: Any) -> bool:
    for other in others:
        _comparable(first, other)
        if first == other and kind_of(first) == kind_of(other):
            return True
    return False


def _less(left: Any, right: Any) -> bool:
    _comparable(left, right)
    if left is None or right is None or isinstance(left, bool):
        raise RenderError("invalid type for comparison")
    return bool(left < right)


def _whole_fold(step: Callable[[int, int], int]) -> Callable[..., int]:
    def fold(first: Any, *others: Any) -> int:
        result = whole(first)
        for other in others:
            result = step(result, whole(other))
            if abs(result) > 1 << 63:
                raise RenderError("a number is too large")
        return result

    return fold


def _div(left: int, right: int) -> int:
    if right == 0:
        raise RenderError("integer divide by zero")
    sign = -1 if (left < 0) != (right < 0) else 1
    return sign * (abs(left) // abs(right))


def _mod(left: int, right: int) -> int:
    return left - right * _div(left, right)


def _round(value: Any, places: Any, *_half: Any) -> float:
    import math

    scale = 10.0 ** min(max(whole(places), 0), 15)
    return math.floor(number(value) * scale + 0.5) / scale


def _rounded(up: bool) -> Callable[[Any], float]:
    def rounded(value: Any) -> float:
        import math

        return float(math.ceil(number(value)) if up else math.floor(number(value)))

    return rounded


def _float_fold(step: Callable[[float, float], float]) -> Callable[..., float]:
    def fold(first: Any, *others: Any) -> float:
        result = number(first)
        for other in others:
            if step is _quotient and number(other) == 0:
                raise RenderError("divide by zero")
            result = step(result, number(other))
        return result

    return fold


def _quotient(left: float, right: float) -> float:
    return left / right


def _digest(kind: str) -> Callable[[Any], str]:
    def digest(value: Any) -> str:
        import hashlib

        return hashlib.new(kind, str(text(value)).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()

    return digest


def _adler(value: Any) -> str:
    import zlib

    return str(zlib.adler32(str(text(value)).encode("utf-8", "surrogatepass")))


def _encode(kind: str) -> Callable[[Any], str]:
    def encode(value: Any) -> str:
        import base64

        data = str(text(value)).encode("utf-8", "surrogatepass")
        return (base64.b64encode(data) if kind == "64" else base64.b32encode(data)).decode()

    return encode


def _decode(kind: str) -> Callable[[Any], str]:
    def decode(value: Any) -> str:
        import base64

        try:
            data = str(text(value)).encode("ascii", "replace")
            made = base64.b64decode(data, validate=True) if kind == "64" else base64.b32decode(data)
        except ValueError as error:
            return str(error)
        return made.decode("utf-8", "replace")

    return decode


def url_quote(value: str) -> str:
    """Go's ``url.QueryEscape``."""
    from urllib.parse import quote_plus

    return quote_plus(str(value))


def _url_parse(value: Any) -> Any:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(str(text(value)))
    except ValueError:
        raise RenderError("urlParse: not a URL") from None
    user, _, host = parts.netloc.rpartition("@")
    return {
        "fragment": parts.fragment,
        "host": host,
        "hostname": host.partition(":")[0],
        "opaque": "",
        "path": parts.path,
        "query": parts.query,
        "scheme": parts.scheme,
        "userinfo": user,
    }


def _base(value: Any) -> str:
    path = str(text(value)).rstrip("/")
    return path.rpartition("/")[2] or ("/" if text(value) else ".")


def _dir(value: Any) -> str:
    head = str(text(value)).rpartition("/")
    return head[0] or ("/" if head[1] else ".")


def _ext(value: Any) -> str:
    name = str(text(value)).rpartition("/")[2]
    return "." + name.rpartition(".")[2] if "." in name else ""


def _clean(value: Any) -> str:
    from posixpath import normpath

    return normpath(str(text(value)) or ".")


def _biggest(*values: Any) -> int:
    return max(whole(value) for value in values)


def _smallest(*values: Any) -> int:
    return min(whole(value) for value in values)


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "eq": (_eq, 2, ANY),
    "ne": (lambda left, right: not _eq(left, right), 2, 2),
    "lt": (_less, 2, 2),
    "le": (lambda left, right: _less(left, right) or _eq(left, right), 2, 2),
    "gt": (lambda left, right: not _less(left, right) and not _eq(left, right), 2, 2),
    "ge": (lambda left, right: not _less(left, right), 2, 2),
    "deepEqual": (lambda left, right: bool(left == right), 2, 2),
    "int": (whole, 1, 1),
    "int64": (whole, 1, 1),
    "atoi": (whole, 1, 1),
    "toDecimal": (lambda value: int(str(text(value)), 8) if str(text(value)).isdigit() and len(text(value)) < 20 else 0, 1, 1),
    "float64": (number, 1, 1),
    "add": (_whole_fold(lambda left, right: left + right), 1, ANY),
    "add1": (lambda value: whole(value) + 1, 1, 1),
    "sub": (_whole_fold(lambda left, right: left - right), 2, 2),
    "mul": (_whole_fold(lambda left, right: left * right), 1, ANY),
    "div": (_whole_fold(_div), 2, 2),
    "mod": (_whole_fold(_mod), 2, 2),
    "max": (_biggest, 1, ANY),
    "biggest": (_biggest, 1, ANY),
    "min": (_smallest, 1, ANY),
    "addf": (_float_fold(lambda left, right: left + right), 1, ANY),
    "add1f": (lambda value: number(value) + 1, 1, 1),
    "subf": (_float_fold(lambda left, right: left - right), 1, ANY),
    "mulf": (_float_fold(lambda left, right: left * right), 1, ANY),
    "divf": (_float_fold(_quotient), 1, ANY),
    "maxf": (lambda *values: max(number(value) for value in values), 1, ANY),
    "minf": (lambda *values: min(number(value) for value in values), 1, ANY),
    "ceil": (_rounded(True), 1, 1),
    "floor": (_rounded(False), 1, 1),
    "round": (_round, 2, 3),
    "sha1sum": (_digest("sha1"), 1, 1),
    "sha256sum": (_digest("sha256"), 1, 1),
    "sha512sum": (_digest("sha512"), 1, 1),
    "adler32sum": (_adler, 1, 1),
    "b64enc": (_encode("64"), 1, 1),
    "b32enc": (_encode("32"), 1, 1),
    "b64dec": (_decode("64"), 1, 1),
    "b32dec": (_decode("32"), 1, 1),
    "urlParse": (_url_parse, 1, 1),
    "urlJoin": (lambda _parts: Opaque("urlJoin"), 1, 1),
    "base": (_base, 1, 1),
    "dir": (_dir, 1, 1),
    "ext": (_ext, 1, 1),
    "clean": (_clean, 1, 1),
    "isAbs": (lambda value: str(text(value)).startswith("/"), 1, 1),
    "osBase": (_base, 1, 1),
    "osDir": (_dir, 1, 1),
    "osExt": (_ext, 1, 1),
    "osClean": (_clean, 1, 1),
    "osIsAbs": (lambda value: str(text(value)).startswith("/"), 1, 1),
}
