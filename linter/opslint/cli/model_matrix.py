"""Variables × environments as text, folded by service."""

from __future__ import annotations

from typing import Any

from opslint.cli.model_table import WIDTH, fit, middle, table, tail, wrapped
from opslint.cli.model_variables import ABSENT, DEFAULT, GIVEN, MISSING, OPEN, PLATFORM, PRESENCE, SECRET, SET, VALUE
from opslint.cli.model_view import UNNAMED
from opslint.report.escape import visible

FOLD_OVER = 120
"""Rows of a model above which rows that are the same in every environment are folded into one line of names a service."""

MAX_LISTED = 400
"""Rows above which only what is missing or set in some environments only is listed."""

MAX_NAMES = 40
"""Names of variables in one line."""

MAX_BESIDE = 5
"""Environments that fit beside each other; more are shown one block below the other."""

_END = "\0"
"""Stands before the end of a cell that is never cut: which value, which note, how many runs."""

_MARKS = {MISSING: "!", PRESENCE: "*", VALUE: "~", None: ""}
_LEGEND = (
    "  ! the code needs it and it is not set   * set in some environments only   ~ the values differ",
    "  a value shows as far as it is no secret; equal letters: equal values; -: not set; open: may be set where nothing can be read",
)


def matrix(view: dict[str, Any], *, everything: bool, detailed: bool) -> list[str]:
    """Return the tables of all services, with a summary of what differs first."""
    rows = view["variables"]
    by_service: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_service.setdefault(row["service"], []).append(row)
    lines = ["", f"Variables: {len(rows)} of {len(by_service)} service{'s' if len(by_service) != 1 else ''}"]
    if not rows:
        return [*lines, "  (nothing sets or reads any)"]
    lines += [line for text in _LEGEND for line in wrapped(text.strip(), "  ", "    ")]
    fold = not everything and not detailed and len(rows) > FOLD_OVER
    short = fold and len(rows) > MAX_LISTED
    wanted = (MISSING, PRESENCE) if short else (MISSING, PRESENCE, VALUE)
    if len(by_service) > 1:
        lines += ["", *_summary(by_service)]
    hidden = 0
    alone: list[str] = []
    several = len({cell["environment"] for row in rows for cell in row["environments"]}) > 1
    for service, own in by_service.items():
        if several and not everything and not detailed and _is_alone(own, fold=fold):
            where = own[0]["environments"][0]["environment"] or UNNAMED
            alone += wrapped(visible(f"{service} ({where}): {_names(own)}"))
            continue
        listed = [row for row in own if not fold or row["differs"] in wanted]
        same = [row for row in own if fold and row["differs"] not in wanted]
        if short and not listed:
            hidden += 1
            continue
        lines += ["", *_service(service, own, listed, detailed=detailed)]
        if same and not short:
            lines += wrapped(visible(f"same everywhere: {_names(same)}"), "    ", "      ")
        elif same:
            lines.append(f"    {len(same)} more are set alike")
    if alone:
        lines += ["", "In one environment only, nothing to compare:", *alone]
    if short:
        lines += [
            "",
            *wrapped(
                f"{hidden} services where nothing is missing are not listed. opslint model --service NAME shows all of one, --all everything."
            ),
        ]
    return lines


def _is_alone(own: list[dict[str, Any]], *, fold: bool) -> bool:
    """Tell whether a service runs in one environment only, and nothing is wrong there: there is nothing to compare."""
    return len(own[0]["environments"]) == 1 and not any(row["differs"] or (row["reads"] and not fold) for row in own)


def _names(rows: list[dict[str, Any]]) -> str:
    more = f" and {len(rows) - MAX_NAMES} more" if len(rows) > MAX_NAMES else ""
    return ", ".join(row["name"] for row in rows[:MAX_NAMES]) + more


def _summary(by_service: dict[str, list[dict[str, Any]]]) -> list[str]:
    """One row for each service: how many variables it is given in each environment, and how many it lacks."""
    names = list(
        dict.fromkeys(cell["environment"] for rows in by_service.values() for row in rows for cell in row["environments"])
    )
    body = []
    for service, rows in by_service.items():
        counts: dict[str | None, list[int]] = {}
        opened: set[str | None] = set()
        for row in rows:
            for cell in row["environments"]:
                count = counts.setdefault(cell["environment"], [0, 0])
                count[0] += cell["state"] in GIVEN
                count[1] += cell["missing"]
                if cell["state"] == OPEN:
                    opened.add(cell["environment"])
        worst = next((kind for kind in (MISSING, PRESENCE, VALUE) if any(row["differs"] == kind for row in rows)), None)
        cells = [_count(counts.get(name), name in opened) for name in names]
        body.append([_MARKS[worst], visible(service), *cells])
    return _fitted(["", "", *(visible(name or UNNAMED) for name in names)], body, least=10)


def _count(count: list[int] | None, is_open: bool) -> str:
    if count is None:
        return ""
    return f"{count[0]} set" + (f", {count[1]} missing" if count[1] else "") + (", open" if is_open else "")


def _service(service: str, own: list[dict[str, Any]], listed: list[dict[str, Any]], *, detailed: bool) -> list[str]:
    """Return the table of one service, in blocks when there are more environments than fit beside each other."""
    names = [cell["environment"] for cell in own[0]["environments"]]
    lines = [visible(f"{service}: {_count_of(len(own))}")]
    notes: dict[str, int] = {}
    for start in range(0, len(names), MAX_BESIDE):
        lines += _block(listed, names[start : start + MAX_BESIDE], notes, detailed=detailed) if listed else []
    for reason, number in notes.items():
        lines += wrapped(visible(f"[{number}] {reason}"), "    ", "        ")
    return lines


def _count_of(number: int) -> str:
    return f"{number} variable{'s' if number != 1 else ''}"


def _block(rows: list[dict[str, Any]], names: list[str | None], notes: dict[str, int], *, detailed: bool) -> list[str]:
    body = []
    for row in rows:
        cells = {cell["environment"]: cell for cell in row["environments"]}
        letters = _letters(row["environments"])
        shown = [_cell(row["name"], cells[name], letters, notes) for name in names]
        body.append([_MARKS[row["differs"]], visible(row["name"]), *shown, _read_at(row["reads"])])
    head = ["", "", *(visible(name or UNNAMED) for name in names), "read at"]
    out = _fitted(head, body, least=9 if len(names) > 3 else 12, place=True)
    if not detailed:
        return out
    lines = out[:1]
    for row, line in zip(rows, out[1:], strict=True):
        lines += [line, *_details(row, names)]
    return lines


def _fitted(head: list[str], body: list[list[str]], *, least: int, place: bool = False) -> list[str]:
    """Return a table whose second column holds names; with `place` the last one holds places."""
    columns = [[row[number].replace(_END, " ") for row in [head, *body]] for number in range(len(head))]
    count = len(head) - 2 - place
    narrow = [1, 24, *[least] * count, *([13] if place else [])]
    wide = [1, 36, *[40] * count, *([20] if place else [])]
    widths = fit(columns, narrow, wide, WIDTH)
    short = []
    for row in [head, *body]:
        cut = [_cut(cell, width) for cell, width in zip(row, widths, strict=True)]
        if place:
            cut[-1] = tail(row[-1], widths[-1])
        short.append(cut)
    return table(short[0], short[1:], widths)


def _cut(text: str, width: int) -> str:
    """Shorten a cell; what follows `_END` in it stays whole."""
    text, _, rest = text.partition(_END)
    return f"{middle(text, width - len(rest) - 1)} {rest}" if rest else middle(text, width)


def _letters(cells: list[dict[str, Any]]) -> dict[int, str]:
    """Return a letter for each of several values of a row; none where all are equal."""
    groups = list(dict.fromkeys(cell["same"] for cell in cells if cell["state"] == SET and cell["same"] is not None))
    return {group: chr(ord("a") + at) if at < 26 else f"a{at}" for at, group in enumerate(groups)} if len(groups) > 1 else {}


def _cell(name: str, cell: dict[str, Any], letters: dict[int, str], notes: dict[str, int]) -> str:
    state = cell["state"]
    if state == ABSENT:
        return "- missing" if cell["missing"] else "-"
    end = []
    if state == SET:
        text = _value(cell)
        whole = cell["value"] is not None and cell["value"]["kind"] in ("bool", "empty", "int") and text != cell["value"]["kind"]
        end += [letters[cell["same"]]] if cell["same"] in letters and not whole else []
    elif state == SECRET:
        text = _secret(cell, name)
    else:
        text = {PLATFORM: "by platform", DEFAULT: "default", OPEN: OPEN}.get(state, "?")
    if cell["reason"]:
        end.append(f"[{notes.setdefault(cell['reason'], len(notes) + 1)}]")
    if cell["set_in"] not in (0, cell["runs"]):
        end.append(f"({cell['set_in']} of {cell['runs']})")
    if cell["missing"]:
        end.append("missing")
    return f"{text}{_END}{' '.join(end)}" if end else text


def _value(cell: dict[str, Any]) -> str:
    """Show a value as far as it is no secret."""
    value = cell["value"]
    if value is None or value["text"] is None:
        return "set" if value is None or value["kind"] == "text" else value["kind"]
    text = visible(value["text"])
    for scheme in ("https://", "http://") if value["kind"] == "url" else ():
        text = text.removeprefix(scheme)
    return text


def _secret(cell: dict[str, Any], name: str) -> str:
    """Name a secret by where it is kept; its key only where it is not the variable's own name."""
    ref = (cell["value"]["text"] or "").rpartition("//")[2]
    store, _, key = ref.rpartition("/")
    return visible(f"secret {store if key == name and store else ref}").rstrip()


def _read_at(reads: list[dict[str, Any]]) -> str:
    if not reads:
        return ""
    first = next((read for read in reads if read["required"]), reads[0])
    more = f" +{len(reads) - 1}" if len(reads) > 1 else ""
    return visible(f"{first['path']}:{first['line']}{more}")


def _details(row: dict[str, Any], names: list[str | None]) -> list[str]:
    """Return where a variable is set, environments with the same place together, and where it is read."""
    places: dict[tuple[str, str], list[str]] = {}
    for cell in row["environments"]:
        if cell["environment"] in names and cell["origin"]:
            place = f" at {cell['path']}:{cell['line']}" if cell["path"] else ""
            places.setdefault((cell["origin"], place), []).append(cell["environment"] or UNNAMED)
    lines = []
    for (origin, place), environments in places.items():
        lines += wrapped(visible(f"{', '.join(environments)}: {origin}{place}"), "       ", "         ")
    for read in row["reads"]:
        how = "needed" if read["required"] else f"default {read['default']}" if read["default"] else "not needed"
        lines += wrapped(visible(f"read at {read['path']}:{read['line']} ({how})"), "       ", "         ")
    return lines
