"""Sprig's functions on lists and dictionaries (see `opslint.model.sprig`)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_values import MAX_NODES, Opaque, RenderError, copied, go_text, join, opaque_inside, truth
from opslint.model.sprig_math import ANY, go_equal, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def hole_in(value: Any) -> Any:
    """The first unknown piece inside a value, or None."""
    return opaque_inside(value)


def _dict_of(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise RenderError(f"{name}: wrong type, expected a map, got {go_text(value)[:60]}")


def _list_of(value: Any, name: str) -> list[Any]:
    if isinstance(value, list):
        return value
    if value is None:
        return []
    raise RenderError(f"{name}: wrong type, expected a list, got {go_text(value)[:60]}")


def _limited(items: list[Any]) -> list[Any]:
    if len(items) > MAX_NODES:
        raise RenderError("a list is too large")
    return items


def _dict(*pairs: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for index in range(0, len(pairs), 2):
        made[text(pairs[index])] = pairs[index + 1] if index + 1 < len(pairs) else ""
    return made


def _get(source: Any, key: Any) -> Any:
    if isinstance(source, Opaque):
        return Opaque(source.reason)
    found = _dict_of(source, "get")
    return found.get(text(key), "")


def _set(target: Any, key: Any, value: Any) -> Any:
    if isinstance(target, Opaque):
        return target
    _dict_of(target, "set")[text(key)] = value
    return target


def _unset(target: Any, key: Any) -> Any:
    _dict_of(target, "unset").pop(text(key), None)
    return target


def _has_key(source: Any, key: Any) -> Any:
    if isinstance(source, Opaque):
        return source
    return text(key) in _dict_of(source, "hasKey")


def _pluck(key: Any, *sources: Any) -> Any:
    return [source[text(key)] for source in sources if isinstance(source, dict) and text(key) in source]


def _keys(*sources: Any) -> list[Any]:
    return [key for source in sources for key in sorted(_dict_of(source, "keys"))]


def _values(source: Any) -> list[Any]:
    found = _dict_of(source, "values")
    return [found[key] for key in sorted(found)]


def _pick(source: Any, *keys: Any) -> Any:
    if isinstance(source, Opaque):
        return source
    wanted = {str(text(key)) for key in keys}
    return {key: value for key, value in _dict_of(source, "pick").items() if key in wanted}


def _omit(source: Any, *keys: Any) -> Any:
    if isinstance(source, Opaque):
        return source
    dropped = {str(text(key)) for key in keys}
    return {key: value for key, value in _dict_of(source, "omit").items() if key not in dropped}


def _merge_into(target: dict[str, Any], source: dict[str, Any], *, overwrite: bool, depth: int = 0) -> None:
    if depth > 60:
        raise RenderError("a merged map is nested too deep")
    for key, value in source.items():
        own = target.get(key)
        if isinstance(own, dict) and isinstance(value, dict):
            _merge_into(own, value, overwrite=overwrite, depth=depth + 1)
        elif key not in target or (value is not None if overwrite else truth(own) is False):
            target[key] = value


def _merge(overwrite: bool) -> Callable[..., Any]:
    def merge(target: Any, *sources: Any) -> Any:
        unknown = next((value for value in (target, *sources) if isinstance(value, Opaque)), None)
        if unknown is not None:
            return unknown
        for source in sources:
            if source is not None:
                # What is merged in stays its own: a later change of the result must not reach it.
                _merge_into(_dict_of(target, "merge"), copied(_dict_of(source, "merge")), overwrite=overwrite)
        return target

    return merge


def _dig(*args: Any) -> Any:
    *path, fallback, source = args
    value: Any = source
    for key in path:
        if not isinstance(value, dict) or text(key) not in value:
            return fallback
        value = value[text(key)]
        if isinstance(value, Opaque):
            return value
    return value


def _coalesce(*args: Any) -> Any:
    for arg in args:
        if isinstance(arg, Opaque):
            return arg
        if truth(arg):
            return arg
    return None


def _all(*args: Any) -> bool:
    return all(truth(arg) for arg in args)


def _any(*args: Any) -> bool:
    return any(truth(arg) for arg in args)


def _append(items: Any, item: Any) -> Any:
    return items if isinstance(items, Opaque) else _limited([*_list_of(items, "append"), item])


def _prepend(items: Any, item: Any) -> Any:
    return items if isinstance(items, Opaque) else _limited([item, *_list_of(items, "prepend")])


def _concat(*lists: Any) -> Any:
    unknown = next((value for value in lists if isinstance(value, Opaque)), None)
    return unknown or _limited([item for value in lists for item in _list_of(value, "concat")])


def _first(items: Any) -> Any:
    if isinstance(items, str):
        raise RenderError("first: cannot find first on type string")
    found = _list_of(items, "first")
    return found[0] if found else None


def _last(items: Any) -> Any:
    found = _list_of(items, "last")
    return found[-1] if found else None


def _uniq(items: Any) -> list[Any]:
    out: list[Any] = []
    found = _list_of(items, "uniq")
    if len(found) > 2_000:
        raise RenderError("a list is too large")
    for item in found:
        if item not in out:
            out.append(item)
    return out


def _without(items: Any, *dropped: Any) -> Any:
    return items if isinstance(items, Opaque) else [item for item in _list_of(items, "without") if item not in dropped]


def _has(needle: Any, items: Any) -> Any:
    if isinstance(items, Opaque):
        return items
    found = _list_of(items, "has")
    unknown = next((item for item in [needle, *found] if isinstance(item, Opaque)), None)
    if unknown is not None and needle not in found:
        return Opaque(unknown.reason)
    return any(go_equal(needle, item) and type(needle) is not bool for item in found) or needle in found


def _compact(items: Any) -> Any:
    return items if isinstance(items, Opaque) else [item for item in _list_of(items, "compact") if truth(item) is not False]


def _slice(items: Any, *bounds: Any) -> Any:
    if isinstance(items, str):
        return str(items)[slice(*(whole(bound) for bound in bounds))]
    return _list_of(items, "slice")[slice(*(max(whole(bound), 0) for bound in bounds))]


def _chunk(size: Any, items: Any) -> list[Any]:
    step, found = max(whole(size), 1), _list_of(items, "chunk")
    return [found[at : at + step] for at in range(0, len(found), step)]


def _join(separator: Any, items: Any) -> Any:
    found = items if isinstance(items, list) else [] if items is None else [items]
    parts: list[str] = []
    for item in found:
        if item is not None:
            parts.extend(([text(separator)] if parts else []) + [text(item)])
    return join(parts)


def _split_list(separator: Any, value: Any) -> list[str]:
    mark, source = str(text(separator)), str(text(value))
    return _limited(source.split(mark) if mark else list(source))


def _split(separator: Any, value: Any) -> dict[str, str]:
    return {f"_{index}": part for index, part in enumerate(_split_list(separator, value))}


def _splitn(separator: Any, count: Any, value: Any) -> dict[str, str]:
    parts = str(text(value)).split(str(text(separator)), max(whole(count) - 1, 0))
    return {f"_{index}": part for index, part in enumerate(parts)}


def _sort(items: Any) -> list[Any]:
    return sorted((text(item) for item in _list_of(items, "sortAlpha")), key=str)


def _count(first: int, last: int, step: int) -> list[int]:
    if step == 0 or abs(last - first) // abs(step) > 20_000:
        raise RenderError("a list is too large")
    return list(range(first, last, step))


def _until(count: Any) -> list[int]:
    last = whole(count)
    return _count(0, last, 1 if last >= 0 else -1)


def _seq(*args: Any) -> str:
    numbers = [whole(arg) for arg in args]
    if not numbers:
        return ""
    first, step, last = (
        (1, 1, numbers[0]) if len(numbers) == 1 else (numbers[0], 1, numbers[1]) if len(numbers) == 2 else tuple(numbers[:3])
    )
    if len(numbers) < 3 and last < first:
        step = -1
    return " ".join(str(number) for number in _count(first, last + (1 if step > 0 else -1), step))


def _index(source: Any, *keys: Any) -> Any:
    value = source
    for key in keys:
        if isinstance(value, Opaque):
            return value
        if value is None:
            raise RenderError("index of untyped nil")
        if isinstance(value, dict):
            value = value.get(text(key))
        elif isinstance(value, list | str) and isinstance(key, int) and not isinstance(key, bool):
            if not 0 <= key < len(value):
                raise RenderError(f"index out of range: {key}")
            value = value[key] if isinstance(value, list) else ord(value[key])
        else:
            raise RenderError(f"cannot index this value with {go_text(key)[:40]}")
    return value


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(str(value).encode("utf-8", "surrogatepass"))
    if isinstance(value, list | dict):
        return len(value)
    raise RenderError("len of nil pointer" if value is None else "len of a value that has none")


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "list": (lambda *items: list(items), 0, ANY),
    "tuple": (lambda *items: list(items), 0, ANY),
    "dict": (_dict, 0, ANY),
    "get": (_get, 2, 2),
    "set": (_set, 3, 3),
    "unset": (_unset, 2, 2),
    "hasKey": (_has_key, 2, 2),
    "pluck": (_pluck, 1, ANY),
    "keys": (_keys, 0, ANY),
    "values": (_values, 1, 1),
    "pick": (_pick, 1, ANY),
    "omit": (_omit, 1, ANY),
    "merge": (_merge(False), 1, ANY),
    "mustMerge": (_merge(False), 1, ANY),
    "mergeOverwrite": (_merge(True), 1, ANY),
    "mustMergeOverwrite": (_merge(True), 1, ANY),
    "deepCopy": (copied, 1, 1),
    "mustDeepCopy": (copied, 1, 1),
    "dig": (_dig, 3, ANY),
    "coalesce": (_coalesce, 0, ANY),
    "all": (_all, 0, ANY),
    "any": (_any, 0, ANY),
    "append": (_append, 2, 2),
    "push": (_append, 2, 2),
    "mustAppend": (_append, 2, 2),
    "prepend": (_prepend, 2, 2),
    "mustPrepend": (_prepend, 2, 2),
    "concat": (_concat, 0, ANY),
    "first": (_first, 1, 1),
    "mustFirst": (_first, 1, 1),
    "last": (_last, 1, 1),
    "mustLast": (_last, 1, 1),
    "rest": (lambda items: _list_of(items, "rest")[1:], 1, 1),
    "mustRest": (lambda items: _list_of(items, "rest")[1:], 1, 1),
    "initial": (lambda items: _list_of(items, "initial")[:-1], 1, 1),
    "mustInitial": (lambda items: _list_of(items, "initial")[:-1], 1, 1),
    "reverse": (lambda items: _list_of(items, "reverse")[::-1], 1, 1),
    "mustReverse": (lambda items: _list_of(items, "reverse")[::-1], 1, 1),
    "uniq": (_uniq, 1, 1),
    "mustUniq": (_uniq, 1, 1),
    "without": (_without, 1, ANY),
    "mustWithout": (_without, 1, ANY),
    "has": (_has, 2, 2),
    "mustHas": (_has, 2, 2),
    "compact": (_compact, 1, 1),
    "mustCompact": (_compact, 1, 1),
    "slice": (_slice, 1, 4),
    "mustSlice": (_slice, 1, 4),
    "chunk": (_chunk, 2, 2),
    "join": (_join, 2, 2),
    "splitList": (_split_list, 2, 2),
    "split": (_split, 2, 2),
    "splitn": (_splitn, 3, 3),
    "sortAlpha": (_sort, 1, 1),
    "toStrings": (lambda items: [text(item) for item in _list_of(items, "toStrings")], 1, 1),
    "until": (_until, 1, 1),
    "untilStep": (lambda first, last, step: _count(whole(first), whole(last), whole(step)), 3, 3),
    "seq": (_seq, 0, 3),
    "index": (_index, 1, ANY),
    "len": (_len, 1, 1),
}
