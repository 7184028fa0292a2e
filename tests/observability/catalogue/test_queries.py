"""A query of a metric that no program exports is rejected, and others are accepted."""

from __future__ import annotations

import pytest

from observability.catalogue.queries import QueryError, metrics, parse, query_problems

GOOD = [
    'sum by (job, namespace) (rate(http_server_request_duration_seconds_count{job=~"$job"}[$__rate_interval]))',
    "histogram_quantile(0.99, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket[${__range}])))",
    'http_server_request_duration_seconds_bucket{le="0.25"}',
    "topk($n, sum by (http_route) (rate(http_server_request_duration_seconds_count[5m])))",
    'db_client_connection_count{db_client_connection_state="used"} / on (pod) group_left () db_client_connection_max',
    'absent(up{job="api",namespace="shop"}) or sum by (job, namespace) (up) == 0',
    'count by (version) (app_build_info{job=~"$job",namespace=~"$namespace"})',
    "up == 1 unless on (job, namespace, pod) http_server_active_requests",
    "label_values(app_build_info, namespace)",
    'label_values(http_server_request_duration_seconds_count{job=~"$job"}, http_route)',
    "query_result(max by (pod) (up))",
    'label_replace(kube_pod_info, "workload", "$1", "pod", "(.+)-.+-.+")',
    "slipway:slo_error_ratio:rate1h > 14.4 * (1 - slipway:slo_objective)",
]

BAD = [
    ('sum(rate(http_requests_total{job="$job"}[5m]))', "no metric is called http_requests_total"),
    ("http_server_request_duration_seconds", "no metric is called http_server_request_duration_seconds"),
    ('http_server_request_duration_seconds_count{code="500"}', "has no label code"),
    ('http_server_request_duration_seconds_count{le="0.25"}', "has no label le"),
    ('http_server_request_duration_seconds_bucket{le="0.3"}', "has no bucket 0.3"),
    ('db_client_connection_count{db_client_connection_state="busy"}', "has no db_client_connection_state busy"),
    ('kube_pod_status_phase{phase=~"Dead|Gone"}', "has no phase Dead|Gone"),
    ("sum by (path) (http_server_active_requests)", "sum: no label path is there"),
    ("sum by (http_route) (sum by (job) (websocket_active_connections))", "sum: no label http_route is there"),
    ("histogram_quantile(0.9, sum by (le) (rate(http_server_request_duration_seconds_count[5m])))", "no label le"),
    ("up and on (version) app_build_info", "and: no label version is there"),
    ("up * on (pod) group_left (commit) app_build_info", "group of *: no label commit is there"),
    ("label_values(app_build_info, commit)", "label_values: no label commit is there"),
    ("label_values(build_info, version)", "no metric is called build_info"),
    ('{__name__="nothing"}', "no metric is called nothing"),
]


@pytest.mark.parametrize("query", GOOD)
def test_what_the_catalogue_has_may_be_asked_for(query: str) -> None:
    assert query_problems(query) == []


@pytest.mark.parametrize(("query", "sentence"), BAD)
def test_what_the_catalogue_lacks_is_named(query: str, sentence: str) -> None:
    assert any(sentence in complaint for complaint in query_problems(query)), query_problems(query)


def test_the_metrics_of_a_query_are_named() -> None:
    assert metrics('sum(rate(a_total{b="c"}[5m])) / scalar(d) or {__name__="e"}') == {"a_total", "d", "e"}


def test_what_is_no_promql_is_an_error_that_shows_the_query() -> None:
    with pytest.raises(QueryError, match="rate"):
        parse("sum(rate(up[5m])")
