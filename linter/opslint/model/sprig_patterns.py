"""Sprig's regular expressions and semantic versions (see `opslint.model.sprig`)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_values import MAX_TEXT, Opaque, RenderError
from opslint.model.sprig_math import text, whole

if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from typing import Any

# Regular expressions: Go's are linear, Python's are not, so that patterns which could take long are not run.


def _compiled(pattern: Any, subject: str) -> re.Pattern[str] | Opaque:
    import re

    source = str(text(pattern))
    repeats = sum(source.count(sign) for sign in "*+") + source.count(",}")
    nested = any(source[at : at + 2] in (")*", ")+", "){") for at in range(len(source))) and repeats > 1
    if len(source) > 500 or nested or (len(subject) + 1) ** (repeats + 1) > 500_000_000:
        return Opaque("a regular expression that is too costly here")
    # RE2 has named classes and no look-around; the few spellings that differ are put right.
    source = source.replace("[[:alnum:]]", "[A-Za-z0-9]").replace("[[:space:]]", r"\s").replace("[:alnum:]", "A-Za-z0-9")
    source = source.replace("[:alpha:]", "A-Za-z").replace("[:digit:]", "0-9").replace("[:space:]", r"\s").replace(r"\z", r"\Z")
    try:
        return re.compile(source, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        raise RenderError("a regular expression that is not valid") from None


def _regex_match(pattern: Any, value: Any) -> Any:
    subject = str(text(value))
    found = _compiled(pattern, subject)
    return found if isinstance(found, Opaque) else found.search(subject) is not None


def _regex_find(pattern: Any, value: Any) -> Any:
    subject = str(text(value))
    found = _compiled(pattern, subject)
    if isinstance(found, Opaque):
        return found
    hit = found.search(subject)
    return hit.group() if hit else ""


def _regex_find_all(pattern: Any, value: Any, count: Any) -> Any:
    subject, most = str(text(value)), whole(count)
    found = _compiled(pattern, subject)
    if isinstance(found, Opaque):
        return found
    hits = [hit.group() for hit in found.finditer(subject)]
    return hits if most < 0 else hits[:most]


def _regex_replace(literal: bool) -> Callable[[Any, Any, Any], Any]:
    def replace(pattern: Any, value: Any, put: Any) -> Any:
        subject, new = str(text(value)), str(text(put))
        found = _compiled(pattern, subject)
        if isinstance(found, Opaque):
            return found
        if (len(subject) + 1) * (len(new) + 1) > MAX_TEXT * 4:
            raise RenderError("a text is too large")
        return found.sub((lambda _hit: new) if literal else (lambda hit: _expand(new, hit)), subject)

    return replace


def _expand(template: str, hit: re.Match[str]) -> str:
    out: list[str] = []
    at = 0
    while at < len(template):
        mark = template.find("$", at)
        if mark < 0:
            break
        out.append(template[at:mark])
        rest = template[mark + 1 :]
        if rest.startswith("$"):
            out.append("$")
            at = mark + 2
            continue
        braced = rest.startswith("{")
        body = rest[1:].partition("}")[0] if braced else rest
        size = len(body) if braced else next((i for i, c in enumerate(body) if not (c.isalnum() or c == "_")), len(body))
        name = body[:size]
        out.append(_group(hit, name) if name else "$")
        at = mark + 1 + size + (2 if braced else 0)
    return "".join(out) + (template[at:] if at < len(template) else "")


def _group(hit: re.Match[str], name: str) -> str:
    if name.isdigit():
        return hit.group(int(name)) or "" if int(name) <= (hit.re.groups or 0) else ""
    return hit.groupdict().get(name) or ""


def _regex_split(pattern: Any, value: Any, count: Any) -> Any:
    subject, most = str(text(value)), whole(count)
    found = _compiled(pattern, subject)
    if isinstance(found, Opaque):
        return found
    parts: list[str] = []
    at = 0
    for hit in found.finditer(subject):
        if 0 < most <= len(parts) + 1:
            break
        parts.append(subject[at : hit.start()])
        at = hit.end()
    return [*parts, subject[at:]]


# Versions


def version_parts(value: str) -> tuple[tuple[int, int, int], str] | None:
    """A semantic version as ((major, minor, patch), pre-release), or None."""
    body = value.strip().removeprefix("v").partition("+")[0]
    numbers, _, pre = body.partition("-")
    pieces = numbers.split(".")
    if not 1 <= len(pieces) <= 3 or not all(piece.isdigit() and len(piece) < 12 for piece in pieces):
        return None
    filled = [int(piece) for piece in pieces] + [0] * (3 - len(pieces))
    return (filled[0], filled[1], filled[2]), pre


def _semver(value: Any) -> dict[str, Any]:
    parts = version_parts(str(text(value)))
    if parts is None:
        raise RenderError("semver: invalid semantic version")
    (major, minor, patch), pre = parts
    return {"Major": major, "Minor": minor, "Patch": patch, "Prerelease": pre, "Original": str(text(value)), "Metadata": ""}


def _semver_compare(constraint: Any, value: Any) -> bool:
    version = version_parts(str(text(value)))
    if version is None:
        raise RenderError("semverCompare: invalid semantic version")
    return any(_satisfies(version, part) for part in str(text(constraint)).split("||"))


def _satisfies(version: tuple[tuple[int, int, int], str], ranges: str) -> bool:
    words: list[str] = []
    for word in ranges.replace(",", " ").split():
        if words and words[-1].strip("<>=!~^") == "":
            words[-1] += word
        else:
            words.append(word)
    return all(_satisfies_one(version, word) for word in words)


def _satisfies_one(version: tuple[tuple[int, int, int], str], word: str) -> bool:
    body = word.lstrip("<>=!~^")
    sign = word[: len(word) - len(body)]
    pieces = body.removeprefix("v").partition("-")[0].split(".")
    wild = next((index for index, piece in enumerate(pieces) if piece in ("x", "X", "*", "")), len(pieces))
    if wild == 0:
        return sign in ("", "=", ">=", "<=", "~", "^")
    bound = version_parts(".".join(pieces[:wild]) + ("-" + body.partition("-")[2] if "-" in body else ""))
    if bound is None:
        raise RenderError("semverCompare: invalid constraint")
    if version[1] and not bound[1]:
        return False
    order = _order(version, bound)
    if sign in ("", "=") and wild == 3:
        return order == 0
    if sign == "!=":
        return order != 0
    if sign in (">", ">=", "=>"):
        return order > 0 or (order == 0 and "=" in sign)
    if sign in ("<", "<=", "=<"):
        return order < 0 or ("=" in sign and (order == 0 or (wild < 3 and version[0][:wild] == bound[0][:wild])))
    keep = max(1, min(wild, 2)) if sign in ("~", "~>") else wild
    if sign == "^":
        keep = next((index + 1 for index, piece in enumerate(bound[0][:wild]) if piece), wild)
    return order >= 0 and version[0][:keep] == bound[0][:keep]


def _order(left: tuple[tuple[int, int, int], str], right: tuple[tuple[int, int, int], str]) -> int:
    if left[0] != right[0]:
        return -1 if left[0] < right[0] else 1
    if left[1] == right[1]:
        return 0
    if not left[1] or not right[1]:
        return 1 if not left[1] else -1
    return -1 if _pre_key(left[1]) < _pre_key(right[1]) else 1


def _pre_key(pre: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")]


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "regexMatch": (_regex_match, 2, 2),
    "mustRegexMatch": (_regex_match, 2, 2),
    "regexFind": (_regex_find, 2, 2),
    "mustRegexFind": (_regex_find, 2, 2),
    "regexFindAll": (_regex_find_all, 3, 3),
    "mustRegexFindAll": (_regex_find_all, 3, 3),
    "regexReplaceAll": (_regex_replace(False), 3, 3),
    "mustRegexReplaceAll": (_regex_replace(False), 3, 3),
    "regexReplaceAllLiteral": (_regex_replace(True), 3, 3),
    "mustRegexReplaceAllLiteral": (_regex_replace(True), 3, 3),
    "regexSplit": (_regex_split, 3, 3),
    "mustRegexSplit": (_regex_split, 3, 3),
    "regexQuoteMeta": (lambda value: "".join(f"\\{c}" if c in r"\.+*?()|[]{}^$" else c for c in str(text(value))), 1, 1),
    "semver": (_semver, 1, 1),
    "semverCompare": (_semver_compare, 2, 2),
}
