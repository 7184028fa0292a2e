"""Judges a dashboard's JSON: the 17 rules of Grafana's dashboard-linter and our own, without an exclusion.

A rule takes the dashboard as an object and yields a sentence for each fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from . import lint_common, lint_ours
from .grafana import Json

Rule: TypeAlias = Callable[[Json], Iterator[str]]

RULES: dict[str, Rule] = {
    "template-datasource-rule": lint_common.data_source_is_a_variable,
    "template-job-rule": lint_common.job_is_a_variable,
    "template-instance-rule": lint_common.instance_is_a_variable,
    "template-label-promql-rule": lint_common.variables_are_queries,
    "template-on-time-change-reload-rule": lint_common.variables_follow_the_time_range,
    "panel-datasource-rule": lint_common.panels_use_the_variable_data_source,
    "panel-title-description-rule": lint_common.panels_have_title_and_description,
    "panel-units-rule": lint_common.panels_have_a_unit,
    "panel-no-targets-rule": lint_common.panels_have_queries,
    "target-promql-rule": lint_common.queries_are_promql,
    "target-rate-interval-rule": lint_common.rates_use_the_rate_interval,
    "target-job-rule": lint_common.queries_select_the_job,
    "target-instance-rule": lint_common.queries_select_the_instance,
    "target-counter-agg-rule": lint_common.totals_are_rates,
    "target-logql-rule": lint_common.log_queries_are_logql,
    "target-logql-auto-rule": lint_common.log_queries_use_auto,
    "uneditable-dashboard-rule": lint_common.it_cannot_be_edited,
    "unit": lint_ours.every_panel_has_a_known_unit,
    "description": lint_ours.descriptions_say_what_bad_looks_like,
    "stat-thresholds": lint_ours.stats_have_thresholds,
    "unique-ids": lint_ours.ids_are_unique,
    "no-overlap": lint_ours.panels_do_not_overlap,
    "variables-used": lint_ours.variables_are_used,
    "variables-defined": lint_ours.variables_are_defined,
    "catalogue": lint_ours.metrics_and_labels_exist,
    "buckets": lint_ours.thresholds_are_buckets,
    "counters": lint_ours.counters_are_rates,
    "ranges": lint_ours.ranges_follow_the_screen,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a dashboard, and the rule that found it."""

    rule: str
    sentence: str


def faults(dashboard: Json) -> list[Fault]:
    """What all rules find."""
    return [Fault(name, sentence) for name, rule in RULES.items() for sentence in rule(dashboard)]
