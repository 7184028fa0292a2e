"""The rules as the chart renders them, by name."""

from __future__ import annotations

from functools import cache

from tests.support.rendering import Object, rendered

ENABLED = "monitoring.rules.enabled=true"
ROUTE = "monitoring.rules.objectives.routes.orders.route=/api/v1/orders"
METHODS = "monitoring.rules.objectives.routes.orders.methods=POST"
SLOW = "monitoring.rules.objectives.slowRoutes./api/v1/feed=true"


@cache
def groups(profile: str = "minimal", *settings: str, release: str = "slipway") -> dict[str, list[Object]]:
    """The groups of each PrometheusRule."""
    objects = rendered(profile, ENABLED, *settings, release=release).kind("PrometheusRule")
    return {resource["metadata"]["name"]: resource["spec"]["groups"] for resource in objects}


def every_rule(profile: str = "minimal", *settings: str, release: str = "slipway") -> list[Object]:
    files = groups(profile, *settings, release=release)
    return [rule for file in files.values() for group in file for rule in group["rules"]]


def rules_called(name: str, slo: str = "") -> list[Object]:
    """The rules of a name, and of an objective where there is one for each."""
    rules = [
        rule
        for rule in every_rule("minimal", ROUTE, METHODS, SLOW)
        if rule.get("alert", rule.get("record")) == name
        and ("alert" in rule or rule.get("labels", {}).get("slo", "") == slo)
    ]
    assert rules, f"no rule is called {name}"
    # promtool evaluates every step of a test: two hours stand for the week that an alert looks back.
    return [{**rule, "expr": rule["expr"].replace("offset 1w", "offset 2h")} for rule in rules]
