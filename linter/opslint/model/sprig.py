"""The functions that Helm gives its templates: Go's own, Sprig's and Helm's, as documented by each.

A table name → (function, fewest, most arguments). Arguments come in template order, the piped one last. What depends on the
clock, chance or the cluster is `Opaque`.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model import sprig_lists, sprig_math, sprig_patterns
from opslint.model.gotemplate_print import plain_json, quoted, to_yaml
from opslint.model.gotemplate_values import (
    MAX_TEXT,
    Opaque,
    RenderError,
    Text,
    collapsed,
    cut,
    from_node,
    go_text,
    join,
    kind_of,
    truth,
)
from opslint.model.sprig_math import ANY, text, whole
from opslint.model.sprig_printf import go_type, print_values, printf, println, spaced_parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def quote(*args: Any) -> str:
    """Sprig ``quote``: every argument that is not nil in double quotes, separated by spaces."""
    parts = [quoted(arg if isinstance(arg, Text) else text(arg)) for arg in args if arg is not None]
    return _spaced(parts)


def squote(*args: Any) -> str:
    """Sprig ``squote``."""
    return _spaced([join(["'", text(arg), "'"]) for arg in args if arg is not None])


def _spaced(parts: list[Text]) -> str:
    out: list[str] = []
    for part in parts:
        out.extend(([" "] if out else []) + [part])
    return join(out)


def indent(count: Any, value: Any) -> str:
    """Sprig ``indent``: every line after `count` spaces."""
    source = text(value)
    pad = " " * _bounded(count)
    if len(pad) * (source.count("\n") + 1) + len(source) > MAX_TEXT:
        raise RenderError("a text is too large")
    parts: list[str] = []
    at = 0
    for line in str(source).split("\n"):
        parts.extend(([pad] if not parts else ["\n", pad]) + [cut(source, at, at + len(line))])
        at += len(line) + 1
    return join(parts)


def _bounded(count: Any) -> int:
    number = whole(count)
    if number > 10_000:
        raise RenderError("a number is too large")
    return max(number, 0)


def _trim(value: Any, characters: str | None = None, *, left: bool = True, right: bool = True) -> str:
    source = text(value)
    plain = str(source)
    start = len(plain) - len(plain.lstrip(characters)) if left else 0
    end = len(plain.rstrip(characters)) if right else len(plain)
    return cut(source, start, max(start, end))


def _trim_suffix(suffix: Any, value: Any) -> str:
    source, tail = text(value), str(text(suffix))
    return cut(source, 0, len(source) - len(tail)) if tail and source.endswith(tail) else source


def _trim_prefix(prefix: Any, value: Any) -> str:
    source, head = text(value), str(text(prefix))
    return cut(source, len(head), len(source)) if head and source.startswith(head) else source


def _trunc(count: Any, value: Any) -> str:
    source, size = text(value), whole(count)
    if size < 0:
        return cut(source, max(len(source) + size, 0), len(source))
    return cut(source, 0, size) if len(source) > size else source


def _default(fallback: Any, *given: Any) -> Any:
    value = given[-1] if given else None
    if isinstance(value, Opaque):
        return value
    return value if truth(value) else fallback


def _ternary(yes: Any, no: Any, condition: Any) -> Any:
    if isinstance(condition, Opaque):
        return yes if yes is no else Opaque(condition.reason)
    if not isinstance(condition, bool):
        raise RenderError("ternary needs a boolean")
    return yes if condition else no


def _empty(value: Any) -> Any:
    return value if isinstance(value, Opaque) else not truth(value)


def _not(value: Any) -> Any:
    return value if isinstance(value, Opaque) else not truth(value)


def _required(message: Any, value: Any) -> Any:
    if isinstance(value, Opaque):
        return value
    if value is None or value == "":
        return Opaque(f"required: {go_text(message)[:120]}")
    return value


def _fail(message: Any) -> Any:
    raise RenderError(f"the chart refuses these values: {go_text(message)[:160].strip()}")


def _replace(old: Any, new: Any, value: Any) -> str:
    source, find, put = text(value), str(text(old)), text(new)
    if find == "":
        return collapsed(str(source), [source])
    if (source.count(find) + 1) * len(put) + len(source) > MAX_TEXT:
        raise RenderError("a text is too large")
    parts: list[str] = []
    at = 0
    while True:
        hit = str(source).find(find, at)
        if hit < 0:
            parts.append(cut(source, at, len(source)))
            return join(parts)
        parts.extend((cut(source, at, hit), put))
        at = hit + len(find)


def _repeat(count: Any, value: Any) -> str:
    times, source = whole(count), text(value)
    if times * len(source) > MAX_TEXT:
        raise RenderError("a text is too large")
    return str(source) * max(times, 0)


def _words(value: Any) -> list[str]:
    out: list[str] = []
    previous = ""
    for char in str(text(value)):
        if char in "_- .\t\n/":
            previous = ""
            continue
        if not previous or (char.isupper() and not previous.isupper()):
            out.append("")
        out[-1] += char
        previous = char
    return out


def _camel(value: Any) -> str:
    return "".join(word[:1].upper() + word[1:] for word in str(text(value)).replace("-", "_").split("_"))


def _parse_yaml(value: Any, empty: Any) -> Any:
    from opslint.base.location import Places
    from opslint.syntax.document import ReadProblem
    from opslint.syntax.yaml import build

    source = text(value)
    try:
        roots = build(str(source).encode("utf-8", "replace"), Places())
    except ReadProblem as problem:
        return {"Error": problem.message} if isinstance(empty, dict) else [problem.message]
    if not roots:
        return empty
    marks = source.marks if isinstance(source, Text) else ()
    made = from_node(roots[0], None)
    if any(isinstance(what, Opaque) for _s, _e, what in marks):
        return Opaque("parsed from text that is not known")
    return made if isinstance(made, type(empty)) else {"Error": "not a map"} if isinstance(empty, dict) else []


def _from_json(value: Any, empty: Any) -> Any:
    import json

    source = text(value)
    try:
        made = json.loads(str(source), parse_int=float)
    except (ValueError, RecursionError):
        return {"Error": "not valid JSON"} if isinstance(empty, dict) else []
    return made if isinstance(made, type(empty)) else empty


def _any_json(value: Any) -> Any:
    import json

    try:
        return json.loads(str(text(value)), parse_int=float)
    except (ValueError, RecursionError):
        raise RenderError("not valid JSON") from None


def _json(value: Any, indent: int | None = None) -> str:
    return collapsed(plain_json(value, indent), [value] if not isinstance(value, dict | list) else [sprig_lists.hole_in(value)])


def _unknown(reason: str) -> Callable[..., Any]:
    return lambda *_args: Opaque(reason)


def _kind_is(kind: Any, value: Any) -> Any:
    return value if isinstance(value, Opaque) else kind_of(value) == text(kind)


def _type_is(kind: Any, value: Any) -> Any:
    return value if isinstance(value, Opaque) else go_type(value) == text(kind)


def _kind(value: Any) -> Any:
    return value if isinstance(value, Opaque) else kind_of(value)


def _substr(start: Any, end: Any, value: Any) -> str:
    source, first, last = text(value), whole(start), whole(end)
    if first < 0:
        return cut(source, 0, max(last, 0))
    return cut(source, first, len(source) if last < 0 or last > len(source) else last)


def _wrap(width: Any, value: Any) -> str:
    lines: list[str] = []
    for word in str(text(value)).split():
        if lines and len(lines[-1]) + 1 + len(word) <= whole(width):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _abbrev(width: Any, value: Any) -> str:
    source, size = text(value), whole(width)
    return source if size < 4 or len(source) <= size else join([cut(source, 0, size - 3), "..."])


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "quote": (quote, 0, ANY),
    "squote": (squote, 0, ANY),
    "indent": (indent, 2, 2),
    "nindent": (lambda count, value: join(["\n", indent(count, value)]), 2, 2),
    "trim": (_trim, 1, 1),
    "trimAll": (lambda chars, value: _trim(value, str(text(chars))), 2, 2),
    "trimall": (lambda chars, value: _trim(value, str(text(chars))), 2, 2),
    "trimSuffix": (_trim_suffix, 2, 2),
    "trimPrefix": (_trim_prefix, 2, 2),
    "trunc": (_trunc, 2, 2),
    "substr": (_substr, 3, 3),
    "wrap": (_wrap, 2, 2),
    "abbrev": (_abbrev, 2, 2),
    "default": (_default, 1, 2),
    "ternary": (_ternary, 3, 3),
    "empty": (_empty, 1, 1),
    "not": (_not, 1, 1),
    "required": (_required, 2, 2),
    "fail": (_fail, 1, 1),
    "replace": (_replace, 3, 3),
    "repeat": (_repeat, 2, 2),
    "lower": (lambda value: Text(str(text(value)).lower(), text(value).marks), 1, 1),
    "upper": (lambda value: collapsed(str(text(value)).upper(), [value]), 1, 1),
    "title": (
        lambda value: "".join(c.upper() if not i or s[i - 1] == " " else c for s in [str(text(value))] for i, c in enumerate(s)),
        1,
        1,
    ),
    "untitle": (
        lambda value: "".join(c.lower() if not i or s[i - 1] == " " else c for s in [str(text(value))] for i, c in enumerate(s)),
        1,
        1,
    ),
    "swapcase": (lambda value: str(text(value)).swapcase(), 1, 1),
    "nospace": (lambda value: "".join(str(text(value)).split()), 1, 1),
    "initials": (lambda value: "".join(word[0] for word in str(text(value)).split()), 1, 1),
    "snakecase": (lambda value: "_".join(word.lower() for word in _words(value)), 1, 1),
    "kebabcase": (lambda value: "-".join(word.lower() for word in _words(value)), 1, 1),
    "camelcase": (_camel, 1, 1),
    "contains": (lambda part, value: str(text(part)) in str(text(value)), 2, 2),
    "hasPrefix": (lambda part, value: str(text(value)).startswith(str(text(part))), 2, 2),
    "hasSuffix": (lambda part, value: str(text(value)).endswith(str(text(part))), 2, 2),
    "cat": (lambda *args: join(spaced_parts(tuple(arg for arg in args if arg is not None))), 0, ANY),
    "plural": (lambda one, many, count: one if whole(count) == 1 else many, 3, 3),
    "toString": (text, 1, 1),
    "printf": (printf, 1, ANY),
    "print": (print_values, 0, ANY),
    "println": (println, 0, ANY),
    "html": (lambda *args: _escape(print_values(*args)), 1, ANY),
    "js": (lambda *args: print_values(*args), 1, ANY),
    "urlquery": (lambda *args: sprig_math.url_quote(print_values(*args)), 1, ANY),
    "toYaml": (to_yaml, 1, 1),
    "mustToYaml": (to_yaml, 1, 1),
    "toYamlPretty": (to_yaml, 1, 1),
    "fromYaml": (lambda value: _parse_yaml(value, {}), 1, 1),
    "fromYamlArray": (lambda value: _parse_yaml(value, []), 1, 1),
    "fromJson": (lambda value: _from_json(value, {}), 1, 1),
    "fromJsonArray": (lambda value: _from_json(value, []), 1, 1),
    "mustFromJson": (_any_json, 1, 1),
    "toJson": (_json, 1, 1),
    "mustToJson": (_json, 1, 1),
    "toRawJson": (_json, 1, 1),
    "mustToRawJson": (_json, 1, 1),
    "toPrettyJson": (lambda value: _json(value, 2), 1, 1),
    "mustToPrettyJson": (lambda value: _json(value, 2), 1, 1),
    "kindOf": (_kind, 1, 1),
    "kindIs": (_kind_is, 2, 2),
    "typeOf": (lambda value: go_type(value), 1, 1),
    "typeIs": (_type_is, 2, 2),
    "typeIsLike": (_type_is, 2, 2),
    "toToml": (_unknown("toToml"), 1, 1),
    "fromToml": (_unknown("fromToml"), 1, 1),
    "lookup": (_unknown("lookup in the cluster"), 4, 4),
    "getHostByName": (_unknown("a name server"), 1, 1),
    "shuffle": (_unknown("chance"), 1, 1),
}


def _escape(value: str) -> str:
    for char, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;"), ("'", "&#39;")):
        value = value.replace(char, name)
    return value


for _name in (
    "now date dateInZone date_in_zone dateModify date_modify mustDateModify must_date_modify ago duration durationRound htmlDate htmlDateInZone toDate"
    " mustToDate unixEpoch"
).split():
    FUNCTIONS[_name] = (_unknown("the clock"), 0, 3)
for _name in (
    "randAlphaNum randAlpha randNumeric randAscii randBytes randInt uuidv4 genPrivateKey genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey"
    " genSignedCert genSignedCertWithKey buildCustomCert derivePassword encryptAES decryptAES bcrypt htpasswd"
).split():
    FUNCTIONS[_name] = (_unknown("generated at install time"), 0, 7)
FUNCTIONS.update(sprig_lists.FUNCTIONS)
FUNCTIONS.update(sprig_math.FUNCTIONS)
FUNCTIONS.update(sprig_patterns.FUNCTIONS)
