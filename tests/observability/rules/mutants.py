"""Rules with one thing changed: a number, an operator, a matcher, a time or a label. Some case has to notice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.observability.rules.cases import Object

_TOKENS = re.compile(
    r"""
    (?P<selector>\{[^}]*\})
    | (?P<range>\[[^\]]*\] | "[^"]*" | \b(?:by|on|ignoring)\s*\([^)]*\) | \boffset\s+\w+)
    | (?P<compare>>=|<=|==|!=|>|<)
    | (?P<set>\b(?:and|or|unless)\b)
    | (?P<arithmetic>[*/+-](?=\s))
    | (?P<name>[A-Za-z_:][\w:]*)
    | (?P<number>\d+(?:\.\d+)?)
    """,
    re.VERBOSE,
)
_MATCHER = re.compile(r'(?P<label>\w+)(?P<operator>=~|!~|!=|=)(?P<value>"[^"]*")')
_COMPARISONS = {
    ">": (">=", "<"),
    ">=": (">", "<="),
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    "==": ("!=", ">"),
    "!=": ("==",),
}
_SETS = {"and": ("unless", "or"), "unless": ("and",), "or": ("and", "unless")}
_ARITHMETIC = {"*": ("/",), "/": ("*",), "+": ("-",), "-": ("+",)}
_SCOPE = ("job", "namespace", "pod", "container", "deployment", "horizontalpodautoscaler", "slo")
_OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}


@dataclass(frozen=True)
class Mutant:
    """A rule that is wrong, and in which way."""

    change: str
    rule: Object


def mutants(rule: Object) -> Iterator[Mutant]:
    """Every rule that differs from this one by one change."""
    for change, expr in _expressions(rule["expr"]):
        yield Mutant(change, {**rule, "expr": expr})
    if "alert" not in rule:
        return
    for name in ("for", "keep_firing_for"):
        if (time := rule.get(name, "0s")) != "0s":
            number, unit = int(time[:-1]), time[-1]
            for other in (f"{number * 2}{unit}", "0s"):
                yield Mutant(f"{name} {time} → {other}", {**rule, name: other})
    for name, value in rule["labels"].items():
        yield Mutant(f"label {name} {value} → other", {**rule, "labels": {**rule["labels"], name: "other"}})


def _expressions(expr: str) -> Iterator[tuple[str, str]]:
    for token in _TOKENS.finditer(expr):
        kind, text = str(token.lastgroup), token[0]
        for other in _instead(kind, text):
            where = " ".join(expr[max(0, token.start() - 40) : token.start()].split())
            yield f"…{where} {text} → {other}", expr[: token.start()] + other + expr[token.end() :]
    yield from _unscoped(expr)


def _unscoped(expr: str) -> Iterator[tuple[str, str]]:
    """The expression with one side of an `or` that looks at all jobs, namespaces, pods or the like.

    One selector of several that are joined by these labels may do without: the others keep strangers out. So a matcher
    goes from all of them at once, as it would if the constant that it comes from lost it.
    """
    sides = re.split(r"(^or\n)", expr, flags=re.MULTILINE)
    for number, side in enumerate(sides):
        for label in _SCOPE:
            wider = re.sub(rf'(?<=[{{,]){label}(?:=~|=)"[^"]*"(?:,|(?=\}}))', "", side)
            if wider != side:
                yield f"side {number // 2} without {label}", "".join([*sides[:number], wider, *sides[number + 1 :]])


def _instead(kind: str, text: str) -> Iterator[str]:
    if kind == "number":
        yield from (str(float(text) * 1.5), str(float(text) / 1.5)) if float(text) else ("1",)
    elif kind == "compare":
        yield from _COMPARISONS[text]
    elif kind == "set":
        yield from _SETS[text]
    elif kind == "arithmetic":
        yield from _ARITHMETIC[text]
    elif kind == "selector":
        yield from _selectors(text)


def _selectors(selector: str) -> Iterator[str]:
    """The selector with a matcher left out, turned round, or of another value."""
    for matcher in _MATCHER.finditer(selector):
        before, after = selector[: matcher.start()], selector[matcher.end() :]
        label, operator, value = matcher.group("label", "operator", "value")
        if label not in _SCOPE:
            yield (before.rstrip(",") + after) if before != "{" else before + after.lstrip(",")
        yield f"{before}{label}{_OPPOSITE[operator]}{value}{after}"
        yield f'{before}{label}{operator}"other"{after}'
