"""Parses PromQL: finds the metrics and labels of a query, and those that no program exports."""

import re
from collections.abc import Iterator
from functools import cache
from typing import cast

import promql_parser as promql

from app.platform.telemetry.metrics.catalogue import CATALOGUE, PROCESS_METRICS, Label, MetricSpec

from .foreign import FOREIGN, TARGET_LABELS
from .recorded import RECORDED

_LABEL_VALUES = re.compile(r"label_values\((?:(?P<query>.+),\s*)?(?P<label>\w+)\)", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((?P<query>.+)\)", re.DOTALL)
_VARIABLE = re.compile(r'("(?:[^"\\]|\\.)*")|\$\{?\w+(?::\w+)?\}?')

_SELECTING = {"and", "unless", ">", "<", ">=", "<=", "==", "!="}
"""Operators whose result has the labels of the left side."""


class QueryError(ValueError):
    """A query that is no PromQL."""


@cache
def exported() -> dict[str, MetricSpec]:
    """Every series that may be queried, by its name in a query."""
    foreign = (spec for source in FOREIGN for spec in source.metrics)
    return {name: spec for spec in (*CATALOGUE, *PROCESS_METRICS, *RECORDED, *foreign) for name in _names(spec)}


def _names(spec: MetricSpec) -> tuple[str, ...]:
    if spec.kind == "histogram":
        return f"{spec.name}_bucket", f"{spec.name}_count", f"{spec.name}_sum"
    return (spec.name,)


def parse(query: str) -> promql.Expr:
    """The query as a tree; variables of Grafana are read as 5 minutes or as the number 1.

    Raises:
        QueryError: with the query and the message of the parser.
    """
    plain = re.sub(r"(?<=[\[:])\s*\$\{?__\w+\}?", "5m", query)
    plain = _VARIABLE.sub(lambda match: match[1] or "1", plain)
    try:
        return promql.parse(plain)
    except ValueError as error:
        raise QueryError(f"{query}: {error}") from error


def selectors(query: str) -> list[promql.VectorSelector]:
    """The selectors of a query, in their order."""
    selected: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            selected.append(node)

    promql.walk(parse(query), visit)
    return selected


def metrics(query: str) -> set[str]:
    """Names of the metrics in a query."""
    return {_name(selector) for selector in selectors(query)}


def query_problems(query: str) -> list[str]:
    """A sentence for each unknown metric, label or value in a query, which may be that of a Grafana variable.

    Raises:
        QueryError: if it is not PromQL.
    """
    if variable := _LABEL_VALUES.fullmatch(query.strip()):
        if variable["query"] is None:
            return []
        inner = parse(variable["query"])
        return [*_of_selectors(variable["query"]), *_missing((variable["label"],), _labels(inner, []), "label_values")]
    if result := _QUERY_RESULT.fullmatch(query.strip()):
        return query_problems(result["query"])
    sentences = _of_selectors(query)
    _labels(parse(query), sentences)
    return sentences


def _of_selectors(query: str) -> list[str]:
    return [sentence for selector in selectors(query) for sentence in _of_selector(selector)]


def _of_selector(selector: promql.VectorSelector) -> Iterator[str]:
    name = _name(selector)
    spec = exported().get(name)
    if spec is None:
        yield f"no metric is called {name or 'nothing'}"
        return
    known = {label.name: label for label in spec.labels}
    for matcher in selector.matchers.matchers:
        if matcher.name == "le" and name.endswith("_bucket"):
            yield from _of_bucket(spec, matcher.value)
        elif matcher.name in known:
            yield from _of_value(name, known[matcher.name], matcher)
        elif matcher.name not in TARGET_LABELS | {"__name__"}:
            yield f"{name} has no label {matcher.name}"


def _of_bucket(spec: MetricSpec, value: str) -> Iterator[str]:
    bounds = {str(bound) for bound in spec.buckets} | {"+Inf"}
    if "$" not in value and value not in bounds:
        yield f"{spec.name} has no bucket {value}"


def _of_value(name: str, label: Label, matcher: promql.Matcher) -> Iterator[str]:
    if isinstance(label.values, str) or "$" in matcher.value or not matcher.value:
        return
    exact = matcher.op in (promql.MatchOp.Equal, promql.MatchOp.NotEqual)
    pattern = re.escape(matcher.value) if exact else matcher.value
    if not any(re.fullmatch(pattern, value) for value in label.values):
        yield f"{name} has no {label.name} {matcher.value}"


def _name(selector: promql.VectorSelector) -> str:
    named = (matcher.value for matcher in selector.matchers.matchers if matcher.name == "__name__")
    return selector.name or next(named, "")


def _labels(node: promql.Expr, missing: list[str]) -> set[str]:
    """Labels that the result of a tree can have; others in `by`, `on` and the like are added to `missing`."""
    match node:
        case promql.VectorSelector():
            labels = _of_series(_name(node))
        case promql.AggregateExpr():
            labels = _of_aggregation(node, missing)
        case promql.BinaryExpr():
            labels = _of_operation(node, missing)
        case promql.Call():
            labels = _of_call(node, missing)
        case promql.MatrixSelector():
            labels = _labels(node.vector_selector, missing)
        case promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
            labels = _labels(node.expr, missing)
        case _:
            labels = set[str]()
    return labels


def _of_series(name: str) -> set[str]:
    spec = exported().get(name)
    bucket = {"le"} if name.endswith("_bucket") else set[str]()
    return bucket | TARGET_LABELS | {label.name for label in (spec.labels if spec else ())}


def _of_aggregation(node: promql.AggregateExpr, missing: list[str]) -> set[str]:
    inner = _labels(node.expr, missing)
    counted = set[str]()
    if str(node.op) == "count_values" and isinstance(node.param, promql.StringLiteral):
        counted.add(node.param.val)
    if node.modifier is None:
        return inner if str(node.op) in {"topk", "bottomk"} else counted
    named = node.modifier.labels
    missing += _missing(named, inner, str(node.op))
    if str(node.op) in {"topk", "bottomk"}:
        return inner
    kept = set(named) if node.modifier.type == promql.AggModifierType.By else inner - set(named)
    return kept | counted


def _of_operation(node: promql.BinaryExpr, missing: list[str]) -> set[str]:
    left, right = _labels(node.lhs, missing), _labels(node.rhs, missing)
    operator, modifier = str(node.op), node.modifier
    if modifier is None or modifier.matching is None:
        return left if operator in _SELECTING else left | right
    named = modifier.matching.labels
    for side in (left, right):
        missing += _missing(named, side, operator)
    if modifier.card == promql.VectorMatchCardinality.ManyToMany:
        return left | right if operator == "or" else left
    if modifier.card == promql.VectorMatchCardinality.OneToOne:
        return set(named) if modifier.matching.type == promql.LabelModifierType.Include else left - set(named)
    many, few = (right, left) if modifier.card == promql.VectorMatchCardinality.OneToMany else (left, right)
    missing += _missing(modifier.group_labels or [], few, f"group of {operator}")
    return many | set(modifier.group_labels or ())


def _of_call(node: promql.Call, missing: list[str]) -> set[str]:
    arguments = cast(list[promql.Expr], node.args)
    inner = set[str]().union(*(_labels(argument, missing) for argument in arguments))
    if node.func.name in {"label_replace", "label_join"}:
        target = arguments[1]
        return inner | ({target.val} if isinstance(target, promql.StringLiteral) else set[str]())
    if node.func.name in {"absent", "absent_over_time"}:
        return {
            matcher.name for argument in arguments for matcher in selectors(argument.prettify())[0].matchers.matchers
        }
    return inner - {"le"} if node.func.name == "histogram_quantile" else inner


def _missing(named: list[str] | tuple[str, ...], there: set[str], where: str) -> list[str]:
    return [f"{where}: no label {name} is there" for name in named if name not in there]
