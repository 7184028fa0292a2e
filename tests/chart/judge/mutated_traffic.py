"""Mistakes in scaling, budgets, rollouts, routes and policies."""

from __future__ import annotations

from copy import deepcopy

from tests.chart.judge.mutation import Mutation, container, one
from tests.chart.judge.release import COMPONENT, Object, Release

SCALER = "HorizontalPodAutoscaler"


def beside(release: Release, kind: str, api_version: str, spec: Object) -> None:
    """Adds an object that lacks nothing but what the mutation is about."""
    assert isinstance(release.objects, list)
    metadata = deepcopy(one(release, "Service")["metadata"])
    release.objects.append({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})


def replicas_beside_an_autoscaler(release: Release) -> None:
    one(release, "Deployment")["spec"]["replicas"] = 3


def replicas_of_nobody(release: Release) -> None:
    del one(release, "Deployment")["spec"]["replicas"]


def an_autoscaler_of_a_deployment_that_is_called_otherwise(release: Release) -> None:
    one(release, SCALER)["spec"]["scaleTargetRef"]["name"] = "slipway"


def an_autoscaler_of_a_container_that_is_called_otherwise(release: Release) -> None:
    one(release, SCALER)["spec"]["metrics"][0]["containerResource"]["container"] = "app"


def two_autoscalers(release: Release) -> None:
    spec = deepcopy(one(release, SCALER)["spec"])
    beside(release, SCALER, "autoscaling/v2", spec)
    release.objects[-1]["metadata"]["name"] += "-2"


def an_autoscaler_that_flaps(release: Release) -> None:
    del one(release, SCALER)["spec"]["behavior"]["scaleDown"]


def an_autoscaler_that_follows_every_start(release: Release) -> None:
    one(release, SCALER)["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] = 0


def an_autoscaler_without_room(release: Release) -> None:
    spec = one(release, SCALER)["spec"]
    spec["maxReplicas"] = spec["minReplicas"]


def a_budget_by_what_must_stay(release: Release) -> None:
    spec = one(release, "PodDisruptionBudget")["spec"]
    spec["minAvailable"] = 1
    del spec["maxUnavailable"]


def a_budget_that_guards_broken_pods(release: Release) -> None:
    del one(release, "PodDisruptionBudget")["spec"]["unhealthyPodEvictionPolicy"]


def a_budget_of_one_pod(release: Release) -> None:
    one(release, "Deployment")["spec"]["replicas"] = 1


def a_budget_of_an_autoscaler_that_goes_down_to_one(release: Release) -> None:
    one(release, SCALER)["spec"]["minReplicas"] = 1


def two_pods_without_a_budget(release: Release) -> None:
    assert isinstance(release.objects, list)
    release.objects.remove(one(release, "PodDisruptionBudget"))


def a_rollout_that_takes_a_pod_first(release: Release) -> None:
    one(release, "Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = "25%"


def a_rollout_that_takes_all_pods(release: Release) -> None:
    one(release, "Deployment")["spec"]["strategy"] = {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}


def a_rollout_without_room(release: Release) -> None:
    one(release, "Deployment")["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = 0


def a_rollout_that_may_hang(release: Release) -> None:
    del one(release, "Deployment")["spec"]["progressDeadlineSeconds"]


def an_authentication_that_is_not_there(release: Release) -> None:
    one(release, "ScaledObject")["spec"]["triggers"][0]["authenticationRef"]["name"] = "prometheus-login"


def keda_beside_an_autoscaler(release: Release) -> None:
    target = one(release, "ScaledObject")["spec"]["scaleTargetRef"]["name"]
    windows = {"scaleUp": {"stabilizationWindowSeconds": 30}, "scaleDown": {"stabilizationWindowSeconds": 300}}
    reference = {"kind": "Deployment", "name": target}
    spec: Object = {"scaleTargetRef": reference, "minReplicas": 3, "maxReplicas": 9, "behavior": windows}
    beside(release, SCALER, "autoscaling/v2", spec)


def replicas_beside_keda(release: Release) -> None:
    one(release, "Deployment")["spec"]["replicas"] = 3


def keda_that_goes_down_to_one(release: Release) -> None:
    one(release, "ScaledObject")["spec"]["minReplicaCount"] = 1


def keda_that_flaps(release: Release) -> None:
    del one(release, "ScaledObject")["spec"]["advanced"]


def a_route_to_a_service_that_is_called_otherwise(release: Release) -> None:
    one(release, "HTTPRoute")["spec"]["rules"][0]["backendRefs"][0]["name"] = "web"


def a_route_to_a_port_of_nobody(release: Release) -> None:
    one(release, "HTTPRoute")["spec"]["rules"][0]["backendRefs"][0]["port"] = 8080


def an_ingress_to_a_port_of_nobody(release: Release) -> None:
    path = one(release, "Ingress")["spec"]["rules"][0]["http"]["paths"][0]
    path["backend"]["service"]["port"] = {"name": "https"}


def an_ingress_to_a_service_of_another_release(release: Release) -> None:
    path = one(release, "Ingress")["spec"]["rules"][0]["http"]["paths"][0]
    path["backend"]["service"]["name"] = "next-slipway-api"


def one_path_to_two_components(release: Release) -> None:
    paths = one(release, "Ingress")["spec"]["rules"][0]["http"]["paths"]
    paths[0]["path"] = paths[-1]["path"]


def one_path_of_two_rules(release: Release) -> None:
    rules = one(release, "HTTPRoute")["spec"]["rules"]
    rules.append(deepcopy(rules[0]))


def an_ingress_without_its_certificate(release: Release) -> None:
    one(release, "Ingress")["spec"]["tls"][0]["secretName"] = "certificate-of-somebody"


def a_pod_without_a_policy(release: Release) -> None:
    assert isinstance(release.objects, list)
    release.objects.remove(one(release, "NetworkPolicy", "migrate"))


def a_policy_that_lets_everything_out(release: Release) -> None:
    policy = one(release, "NetworkPolicy")["spec"]
    policy["policyTypes"] = ["Ingress"]


def a_policy_without_dns_by_tcp(release: Release) -> None:
    for rule in one(release, "NetworkPolicy")["spec"]["egress"]:
        rule["ports"] = [port for port in rule["ports"] if (port["port"], port.get("protocol")) != (53, "TCP")]


def a_policy_without_the_database(release: Release) -> None:
    spec = one(release, "NetworkPolicy", "migrate")["spec"]
    spec["egress"] = [rule for rule in spec["egress"] if {"port": 53, "protocol": "TCP"} in rule["ports"]]


def a_policy_without_the_collector(release: Release) -> None:
    spec = one(release, "NetworkPolicy")["spec"]
    spec["egress"] = [rule for rule in spec["egress"] if rule["ports"] != [{"port": 4318}]]


def a_process_that_may_not_call_another(release: Release) -> None:
    spec = one(release, "NetworkPolicy", "items")["spec"]
    spec["egress"] = [rule for rule in spec["egress"] if {"port": 8000} not in rule["ports"]]


def a_caller_that_is_not_let_in(release: Release) -> None:
    rule = one(release, "NetworkPolicy", "users")["spec"]["ingress"][0]
    rule["from"] = [peer for peer in rule["from"] if "items" not in str(peer)]


def tests_that_are_not_let_in(release: Release) -> None:
    for rule in one(release, "NetworkPolicy")["spec"]["ingress"]:
        rule["from"] = [{"ipBlock": {"cidr": "192.0.2.0/24"}}]


def tests_that_may_not_leave(release: Release) -> None:
    spec = one(release, "NetworkPolicy", "test")["spec"]
    spec["egress"] = [rule for rule in spec["egress"] if {"port": 8000} not in rule["ports"]]


def a_policy_of_no_port(release: Release) -> None:
    spec = one(release, "NetworkPolicy")["spec"]
    spec["ingress"].append({"ports": [{"port": "web"}]})


def a_monitor_of_pods_by_a_number_of_nobody(release: Release) -> None:
    labels = dict(one(release, "Service")["spec"]["selector"])
    endpoints = [{"port": "prometheus"}]
    spec: Object = {"selector": {"matchLabels": labels}, "podMetricsEndpoints": endpoints}
    beside(release, "PodMonitor", "monitoring.coreos.com/v1", spec)


def a_monitor_of_all_pods(release: Release) -> None:
    labels = {key: value for key, value in one(release, "Service")["spec"]["selector"].items() if key != COMPONENT}
    endpoints = [{"port": next(each["name"] for each in container(release)["ports"])}]
    spec: Object = {"selector": {"matchLabels": labels}, "podMetricsEndpoints": endpoints}
    beside(release, "PodMonitor", "monitoring.coreos.com/v1", spec)


MUTATIONS = (
    Mutation(replicas_beside_an_autoscaler, "replicas_are_set_by_one_side"),
    Mutation(replicas_of_nobody, "replicas_are_set_by_one_side", "minimal", also_by=("a_budget_never_blocks_a_drain",)),
    Mutation(
        an_autoscaler_of_a_deployment_that_is_called_otherwise,
        "autoscalers_have_a_target",
        also_by=("replicas_are_set_by_one_side", "a_budget_never_blocks_a_drain"),
    ),
    Mutation(an_autoscaler_of_a_container_that_is_called_otherwise, "autoscalers_have_a_target"),
    Mutation(two_autoscalers, "one_autoscaler_has_a_workload"),
    Mutation(an_autoscaler_that_flaps, "an_autoscaler_is_quick_up_and_slow_down"),
    Mutation(an_autoscaler_that_follows_every_start, "an_autoscaler_is_quick_up_and_slow_down"),
    Mutation(an_autoscaler_without_room, "an_autoscaler_has_room"),
    Mutation(a_budget_by_what_must_stay, "a_budget_never_blocks_a_drain"),
    Mutation(a_budget_that_guards_broken_pods, "a_budget_never_blocks_a_drain"),
    Mutation(a_budget_of_one_pod, "a_budget_never_blocks_a_drain", "minimal"),
    Mutation(a_budget_of_an_autoscaler_that_goes_down_to_one, "a_budget_never_blocks_a_drain"),
    Mutation(two_pods_without_a_budget, "two_pods_have_a_budget"),
    Mutation(a_rollout_that_takes_a_pod_first, "a_rollout_takes_no_pod_before_its_successor"),
    Mutation(a_rollout_that_takes_all_pods, "a_rollout_takes_no_pod_before_its_successor"),
    Mutation(a_rollout_without_room, "a_rollout_takes_no_pod_before_its_successor"),
    Mutation(a_rollout_that_may_hang, "a_rollout_takes_no_pod_before_its_successor"),
    Mutation(an_authentication_that_is_not_there, "trigger_authentications_are_there", "keda"),
    Mutation(keda_beside_an_autoscaler, "one_autoscaler_has_a_workload", "keda"),
    Mutation(replicas_beside_keda, "replicas_are_set_by_one_side", "keda"),
    Mutation(keda_that_goes_down_to_one, "a_budget_never_blocks_a_drain", "keda"),
    Mutation(keda_that_flaps, "an_autoscaler_is_quick_up_and_slow_down", "keda"),
    Mutation(a_route_to_a_service_that_is_called_otherwise, "routes_lead_to_services", "gateway"),
    Mutation(a_route_to_a_port_of_nobody, "routes_lead_to_services", "gateway"),
    Mutation(an_ingress_to_a_service_of_another_release, "routes_lead_to_services", "microservices"),
    Mutation(one_path_to_two_components, "a_path_leads_to_one_component", "microservices"),
    Mutation(one_path_of_two_rules, "a_path_leads_to_one_component", "gateway"),
    Mutation(an_ingress_to_a_port_of_nobody, "routes_lead_to_services"),
    Mutation(an_ingress_without_its_certificate, "certificates_of_an_ingress_are_there"),
    Mutation(a_monitor_of_pods_by_a_number_of_nobody, "monitors_ask_ports_that_exist"),
    Mutation(
        a_monitor_of_all_pods,
        "a_selector_finds_no_pod_that_runs_once",
        also_by=("selectors_are_those_that_never_change",),
    ),
    Mutation(a_pod_without_a_policy, "every_pod_is_closed_both_ways"),
    Mutation(a_policy_that_lets_everything_out, "every_pod_is_closed_both_ways"),
    Mutation(a_policy_without_dns_by_tcp, "dns_is_reached_by_both_protocols"),
    Mutation(a_policy_without_the_database, "what_settings_name_is_reached"),
    Mutation(a_policy_without_the_collector, "what_settings_name_is_reached"),
    Mutation(a_process_that_may_not_call_another, "what_settings_name_is_reached", "microservices"),
    Mutation(a_caller_that_is_not_let_in, "who_is_sent_here_is_let_in", "microservices"),
    Mutation(tests_that_are_not_let_in, "who_is_sent_here_is_let_in"),
    Mutation(tests_that_may_not_leave, "what_settings_name_is_reached"),
    Mutation(a_policy_of_no_port, "policy_ports_exist"),
)
