"""Whether today's contracts still keep what a release promised: a schema may grow, never lose or narrow.

Everything a consumer of the release may rely on has to stay: a field that is always there, its type, the values it can
have. Everything a producer of the release may have written has to load: no new duty, no tighter bound. A new meaning is
a new version of the event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]

_LOWER = (("minimum", 0), ("exclusiveMinimum", 1), ("minLength", 0), ("minItems", 0), ("minProperties", 0))
_UPPER = (("maximum", 0), ("exclusiveMaximum", 1), ("maxLength", 0), ("maxItems", 0), ("maxProperties", 0))
_DEPTH_MAX = 40


@dataclass(frozen=True)
class Break:
    """One promise that is not kept: what kind, of which contract, and where in it."""

    kind: str
    contract: str
    at: str
    was: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.contract} {self.at or '(whole)'}: {self.kind} (was {self.was!r}, now {self.now!r})"


def breaks(released: Mapping[str, Node], current: Mapping[str, Node]) -> list[Break]:
    """Every promise of a release that today's contracts do not keep."""
    found: list[Break] = []
    for name, old in released.items():
        new = current.get(name)
        if new is None:
            found.append(Break("removed contract", name, "", old.get("title"), None))
            continue
        if old.get("title") != new.get("title"):
            found.append(Break("wire name moved to another class", name, "", old.get("title"), new.get("title")))
        if old.get("x-family") != new.get("x-family"):
            found.append(Break("changed family", name, "", old.get("x-family"), new.get("x-family")))
        found += _Comparison(name, old, new).run()
    return found


class _Comparison:
    """One contract, then and now."""

    def __init__(self, name: str, old: Node, new: Node) -> None:
        self._name = name
        self._old = old
        self._new = new

    def run(self) -> list[Break]:
        return list(self._nodes(self._old, self._new, "", 0))

    def _nodes(self, old: Node, new: Node, at: str, depth: int) -> Iterator[Break]:
        if depth > _DEPTH_MAX:  # a type inside itself: its first levels have been compared
            return
        if old.get("x-personal") != new.get("x-personal"):
            yield self._break("changed class of personal data", at, old.get("x-personal"), new.get("x-personal"))
        before, after = _variants(self._old, old), _variants(self._new, new)
        if len(after) == 1 == len(before):
            yield from self._single(before[0], after[0], at, depth)
            return
        unmatched = list(after)
        for variant in before:
            twin = next((each for each in unmatched if _shape(each) == _shape(variant)), None)
            if twin is None:
                yield self._break("changed type", at, _shape(variant), [_shape(each) for each in after])
                continue
            unmatched.remove(twin)
            yield from self._single(variant, twin, at, depth)
        for variant in unmatched:  # a consumer of the release does not know this form
            yield self._break("changed type", at, [_shape(each) for each in before], _shape(variant))

    def _single(self, old: Node, new: Node, at: str, depth: int) -> Iterator[Break]:
        if (old.get("type"), old.get("format")) != (new.get("type"), new.get("format")):
            yield self._break("changed type", at, _shape(old), _shape(new))
            return
        yield from self._values(old, new, at)
        yield from self._fields(old, new, at, depth)
        yield from self._items(old, new, at, depth)

    def _values(self, old: Node, new: Node, at: str) -> Iterator[Break]:
        values, left = _enum(old), _enum(new)
        if left is not None and (values is None or not set(values) <= set(left)):
            yield self._break("narrowed enum", at, values, left)
        for names, is_tighter in ((_LOWER, _higher), (_UPPER, _lower)):
            was, now = _bound(old, names), _bound(new, names)
            if now is not None and (was is None or is_tighter(now, was)):
                yield self._break("tightened bounds", at, was, now)
        if new.get("pattern") not in {None, old.get("pattern")}:
            yield self._break("tightened bounds", at, old.get("pattern"), new.get("pattern"))
        if new.get("uniqueItems") and not old.get("uniqueItems"):
            yield self._break("tightened bounds", at, "repeated items", "unique items")

    def _fields(self, old: Node, new: Node, at: str, depth: int) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, field in before.items():
            place = f"{at}.{name}" if at else name
            if name not in after:
                yield self._break("removed field", place, _shape(_variants(self._old, field)[0]), None)
            else:
                yield from self._nodes(field, after[name], place, depth + 1)
        must, must_now = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(must_now - must):
            yield self._break("newly required field", f"{at}.{name}" if at else name, "optional", "required")
        for name in sorted((must - must_now) & after.keys()):
            yield self._break("no longer promised field", f"{at}.{name}" if at else name, "required", "optional")
        others, others_now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if others_now is False and others is not False:
            yield self._break("closed to unknown fields", at, others, others_now)
        elif isinstance(others_now, Mapping):
            yield from self._nodes(others if isinstance(others, Mapping) else {}, others_now, f"{at}.*", depth + 1)

    def _items(self, old: Node, new: Node, at: str, depth: int) -> Iterator[Break]:
        for number, (was, now) in enumerate(zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=False)):
            yield from self._nodes(was, now, f"{at}[{number}]", depth + 1)
        was, now = old.get("items"), new.get("items")
        if isinstance(now, Mapping):
            yield from self._nodes(was if isinstance(was, Mapping) else {}, now, f"{at}[]", depth + 1)

    def _break(self, kind: str, at: str, was: Any, now: Any) -> Break:
        return Break(kind, self._name, at, was, now)


def _variants(root: Node, node: Node) -> list[Node]:
    """The forms a value may have, references followed."""
    while "$ref" in node:
        found: Any = root
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    if "anyOf" in node:
        return [each for variant in node["anyOf"] for each in _variants(root, variant)]
    return [node]


def _shape(node: Node) -> str:
    """What tells one form from another: type, format, and of an object its name."""
    title = node.get("title", "") if node.get("type") == "object" else ""
    return ":".join(filter(None, (node.get("type", "anything"), node.get("format", ""), title)))


def _enum(node: Node) -> list[Any] | None:
    return [node["const"]] if "const" in node else node.get("enum")


def _bound(node: Node, names: tuple[tuple[str, int], ...]) -> tuple[float, int] | None:
    """The bound and whether it is excluded; of integers `> 0` is the same as `>= 1`."""
    for name, excluded in names:
        if name in node:
            if excluded and node.get("type") == "integer":
                return (node[name] + (1 if "inimum" in name else -1), 0)
            return (node[name], excluded)
    return None


def _higher(now: tuple[float, int], was: tuple[float, int]) -> bool:
    return now > was


def _lower(now: tuple[float, int], was: tuple[float, int]) -> bool:
    return (now[0], -now[1]) < (was[0], -was[1])
