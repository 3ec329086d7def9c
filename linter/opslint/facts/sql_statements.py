"""What one SQL statement does to the schema or the data, read from its leading words.

Operations are JSON dicts in the words of `opslint.facts.migrations`: ``op``, ``table``, ``name``, ``guarded`` and what else the kind
needs. A statement that is not understood gives ``{"op": "sql"}``: unknown, never harmless.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from opslint.syntax.sql import Statement, Token

_SKIPPED = frozenset(
    "BEGIN COMMIT ROLLBACK START SET SELECT USE GRANT REVOKE COMMENT ANALYZE VACUUM EXPLAIN SHOW PRAGMA LOCK UNLOCK END ECHO".split()
)
"""Leading words of statements that change neither schema nor data (transaction control, sessions, rights, statistics)."""

_MODIFIERS = frozenset(
    "TEMP TEMPORARY UNLOGGED GLOBAL LOCAL UNIQUE CLUSTERED NONCLUSTERED OR REPLACE MATERIALIZED FOREIGN".split()
)


class _Words:
    """A cursor over a statement's tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.tokens[index].word or self.tokens[index].text if index < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Step over `words` when they come next."""
        if all(self.peek(index) == word for index, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def name(self) -> str:
        """Read a possibly qualified name; returned in lower case without quotes."""
        parts = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind in ("word", "name"):
            parts.append(self.tokens[self.at].text.lower())
            self.at += 1
            if not self.take("."):
                break
        return ".".join(parts)

    def rest(self) -> list[str]:
        return [token.word or ("''" if token.kind == "string" else token.text) for token in self.tokens[self.at :]]


def classify(statement: Statement) -> list[dict[str, Any]]:
    """Return the operations of one statement (several for ``ALTER TABLE a, b``; none for what changes nothing)."""
    words = _Words(statement.tokens)
    first = words.peek()
    if first in _SKIPPED or not first:
        return []
    words.at += 1
    if first == "CREATE":
        return _create(words)
    if first == "DROP":
        return _drop(words)
    if first == "ALTER":
        return _alter(words)
    if first == "INSERT":
        return _insert(words)
    if first == "UPDATE":
        return _update(words)
    if first == "DELETE":
        words.take("FROM")
        return [{"op": "delete", "table": words.name(), "all": "WHERE" not in words.rest()}]
    if first == "TRUNCATE":
        words.take("TABLE")
        words.take("ONLY")
        return [{"op": "delete", "table": words.name(), "all": True}]
    return [{"op": "sql"}]


def _create(words: _Words) -> list[dict[str, Any]]:
    modifiers = set()
    while words.peek() in _MODIFIERS:
        modifiers.add(words.peek())
        words.at += 1
    kind = words.peek()
    words.at += 1
    if kind == "TABLE":
        guarded = words.take("IF", "NOT", "EXISTS")
        temporary = bool(modifiers & {"TEMP", "TEMPORARY"})
        return [{"op": "create_table", "table": words.name(), "guarded": guarded, "temporary": temporary}]
    if kind == "INDEX":
        concurrent = words.take("CONCURRENTLY")
        guarded = words.take("IF", "NOT", "EXISTS")
        name = "" if words.peek() == "ON" else words.name()
        words.take("ON")
        words.take("ONLY")
        return [{"op": "add_index", "table": words.name(), "name": name, "guarded": guarded, "concurrent": concurrent}]
    guarded = words.take("IF", "NOT", "EXISTS") or "REPLACE" in modifiers
    return [{"op": "create_" + (kind.lower() if kind.isalpha() else "other"), "name": words.name(), "guarded": guarded}]


def _drop(words: _Words) -> list[dict[str, Any]]:
    if words.peek() in ("MATERIALIZED", "FOREIGN"):
        words.at += 1
    kind = words.peek()
    words.at += 1
    concurrent = words.take("CONCURRENTLY")
    guarded = words.take("IF", "EXISTS")
    if kind == "TABLE":
        found = [{"op": "drop_table", "table": words.name(), "guarded": guarded}]
        while words.take(","):
            found.append({"op": "drop_table", "table": words.name(), "guarded": guarded})
        return found
    op = "drop_index" if kind == "INDEX" else "drop_" + (kind.lower() if kind.isalpha() else "other")
    return [{"op": op, "name": words.name(), "guarded": guarded, "concurrent": concurrent}]


def _clauses(words: _Words) -> list[_Words]:
    """Split the actions of an ALTER TABLE at the commas outside parentheses."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in words.tokens[words.at :]:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "punct" else 0
        if token.kind == "punct" and token.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return [_Words(part) for part in found if part]


def _alter(words: _Words) -> list[dict[str, Any]]:
    kind = words.peek()
    words.at += 1
    if kind == "TYPE":
        name = words.name()
        op = "add_enum_value" if words.take("ADD", "VALUE") else "alter_type"
        return [{"op": op, "name": name, "guarded": words.take("IF", "NOT", "EXISTS")}]
    if kind != "TABLE":
        return [{"op": "alter_" + (kind.lower() if kind.isalpha() else "other"), "guarded": False}]
    words.take("IF", "EXISTS")
    words.take("ONLY")
    table = words.name()
    return [_alter_clause(clause, table) for clause in _clauses(words)]


_CONSTRAINT_WORDS = frozenset("CONSTRAINT PRIMARY UNIQUE FOREIGN CHECK EXCLUDE INDEX KEY".split())


def _alter_clause(words: _Words, table: str) -> dict[str, Any]:
    if words.take("ADD"):
        if words.peek() in _CONSTRAINT_WORDS:
            rest = words.rest()
            return {"op": "add_constraint", "table": table, "guarded": False, "not_valid": "VALID" in rest and "NOT" in rest}
        words.take("COLUMN")
        guarded = words.take("IF", "NOT", "EXISTS")
        name = words.name()
        rest = words.rest()
        pairs = list(zip(rest, [*rest[1:], ""], strict=True))
        required = ("NOT", "NULL") in pairs or ("PRIMARY", "KEY") in pairs
        default = bool({"DEFAULT", "GENERATED", "IDENTITY", "SERIAL", "BIGSERIAL", "AUTO_INCREMENT", "AS"} & set(rest))
        return {
            "op": "add_column",
            "table": table,
            "name": name,
            "guarded": guarded,
            "required": required,
            "default": "server" if default else "none",
        }
    if words.take("DROP"):
        if words.peek() in ("CONSTRAINT", "INDEX", "KEY", "PRIMARY", "FOREIGN"):
            return {"op": "drop_constraint", "table": table, "guarded": "EXISTS" in words.rest()}
        words.take("COLUMN")
        guarded = words.take("IF", "EXISTS")
        return {"op": "drop_column", "table": table, "name": words.name(), "guarded": guarded}
    if words.take("RENAME"):
        if words.take("TO"):
            # PostgreSQL takes ALTER TABLE for sequences, too; it names those of serial columns `<table>_<column>_seq`.
            if table.lower().endswith("_seq"):
                return {"op": "alter_table", "table": table, "guarded": False}
            return {"op": "rename_table", "table": table, "name": words.name(), "guarded": False}
        if words.take("CONSTRAINT") or words.take("INDEX"):
            return {"op": "alter_table", "table": table, "guarded": False}
        words.take("COLUMN")
        return {"op": "rename_column", "table": table, "name": words.name(), "guarded": False}
    op = "alter_column" if words.peek() in ("ALTER", "MODIFY", "CHANGE") else "alter_table"
    return {"op": op, "table": table, "guarded": False}


def _insert(words: _Words) -> list[dict[str, Any]]:
    ignored = words.take("IGNORE") or words.take("OR", "IGNORE") or words.take("OR", "REPLACE")
    words.take("INTO")
    table = words.name()
    rest = words.rest()
    pairs = set(zip(rest, [*rest[1:], ""], strict=True))
    guards = {("ON", "CONFLICT"), ("NOT", "EXISTS"), ("ON", "DUPLICATE"), ("NOT", "IN"), ("IS", "NULL"), ("EXCEPT", "SELECT")}
    guarded = ignored or bool(guards & pairs)
    return [{"op": "insert", "table": table, "guarded": guarded}]


def _update(words: _Words) -> list[dict[str, Any]]:
    words.take("ONLY")
    table = words.name()
    rest = words.rest()
    start = rest.index("SET") + 1 if "SET" in rest else len(rest)
    end = rest.index("WHERE") if "WHERE" in rest else len(rest)
    relative = False
    changed = set()
    for index in range(start, min(end, len(rest) - 4)):
        # `x = x + n`: a second run changes the value again. `x - 'key'` on JSON does not.
        again = rest[index + 1] == "=" and rest[index + 2] == rest[index] and rest[index + 3] in ("+", "-", "*", "/")
        if again and rest[index + 4] != "''":
            relative = True
            changed.add(rest[index])
    guarded = "NULL" in rest[end:] or bool(changed & set(rest[end:]))
    return [{"op": "update", "table": table, "relative": relative, "guarded": guarded}]
