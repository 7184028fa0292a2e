"""Mistakes in objects and in what they say of each other: names, labels, selectors, references, hooks."""

from __future__ import annotations

import base64
from copy import deepcopy

from tests.chart.judge.mutation import OPEN, Mutation, container, one, pod
from tests.chart.judge.release import COMPONENT, Release


def an_empty_field(release: Release) -> None:
    pod(release)["nodeSelector"] = {}


def a_null(release: Release) -> None:
    one(release, "Deployment")["spec"]["minReadySeconds"] = None


def no_namespace(release: Release) -> None:
    del one(release, "ConfigMap")["metadata"]["namespace"]


def another_namespace(release: Release) -> None:
    one(release, "ServiceMonitor")["metadata"]["namespace"] = "monitoring"


def an_object_twice(release: Release) -> None:
    assert isinstance(release.objects, list)
    release.objects.append(deepcopy(one(release, "ServiceAccount")))


def a_password_outside_of_its_secret(release: Release) -> None:
    (secret,) = release.kind("Secret")
    one(release, "ConfigMap")["data"]["SLIPWAY_X"] = next(iter(secret["data"].values()))


def a_password_in_clear(release: Release) -> None:
    (secret,) = release.kind("Secret")
    password = base64.b64decode(secret["data"]["database__password"]).decode()
    one(release, "Deployment")["metadata"]["annotations"] = {"note": f"the password is {password}."}


def a_version_in_a_selector(release: Release) -> None:
    deployment = one(release, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    version = {"app.kubernetes.io/version": labels["app.kubernetes.io/version"]}
    deployment["spec"]["selector"]["matchLabels"] |= version


def a_service_that_takes_the_pods_of_tests(release: Release) -> None:
    del one(release, "Service")["spec"]["selector"][COMPONENT]


def a_service_that_finds_nobody(release: Release) -> None:
    one(release, "Service")["spec"]["selector"][COMPONENT] = "web"


def a_service_of_another_component(release: Release) -> None:
    services = release.kind("Service")
    services[0]["spec"]["selector"] = dict(services[1]["spec"]["selector"])


def a_migration_that_looks_like_a_server(release: Release) -> None:
    labels = one(release, "Deployment")["spec"]["template"]["metadata"]["labels"]
    one(release, "Job")["spec"]["template"]["metadata"]["labels"][COMPONENT] = labels[COMPONENT]


def a_test_that_looks_like_a_server(release: Release) -> None:
    labels = one(release, "Deployment")["spec"]["template"]["metadata"]["labels"]
    one(release, "Pod")["metadata"]["labels"][COMPONENT] = labels[COMPONENT]


def a_secret_that_nobody_makes(release: Release) -> None:
    source = {"name": "more", "secret": {"secretName": "slipway-keys-of-old"}}
    pod(release)["volumes"].append(source)


def a_configuration_that_is_called_otherwise(release: Release) -> None:
    configuration = release.find("ConfigMap", container(release)["envFrom"][0]["configMapRef"]["name"]) or {}
    settings = [{"name": name, "value": value} for name, value in configuration["data"].items()]
    container(release)["env"] = settings
    container(release)["envFrom"][0]["configMapRef"]["name"] = "slipway-settings"


def an_account_that_is_not_there(release: Release) -> None:
    pod(release)["serviceAccountName"] = "deployer"


def a_login_that_is_not_there(release: Release) -> None:
    pod(release, "Job")["imagePullSecrets"] = [{"name": "registry"}]


def a_key_that_is_not_there(release: Release) -> None:
    (secret,) = release.kind("Secret")
    source = {
        "name": "more",
        "secret": {"secretName": secret["metadata"]["name"], "items": [{"key": "x", "path": "x"}]},
    }
    pod(release)["volumes"].append(source)


def a_target_port_of_nobody(release: Release) -> None:
    one(release, "Service")["spec"]["ports"][0]["targetPort"] = "web"


def a_key_that_the_store_does_not_give(release: Release) -> None:
    one(release, "ExternalSecret")["spec"]["data"].pop()


def a_secret_from_the_store_under_another_name(release: Release) -> None:
    one(release, "ExternalSecret")["spec"]["target"]["name"] = "shop-secrets"


MUTATIONS = (
    Mutation(an_empty_field, "nothing_is_null_or_empty"),
    Mutation(a_null, "nothing_is_null_or_empty"),
    Mutation(no_namespace, "every_object_is_in_the_namespace_of_the_release"),
    Mutation(another_namespace, "every_object_is_in_the_namespace_of_the_release"),
    Mutation(an_object_twice, "names_are_given_once"),
    Mutation(a_password_outside_of_its_secret, "secrets_hold_what_is_secret", "dev"),
    Mutation(a_password_in_clear, "secrets_hold_what_is_secret", "dev"),
    Mutation(a_version_in_a_selector, "selectors_are_those_that_never_change"),
    Mutation(
        a_service_that_takes_the_pods_of_tests,
        "a_selector_finds_no_pod_that_runs_once",
        also_by=("selectors_are_those_that_never_change",),
    ),
    Mutation(a_service_that_finds_nobody, "a_selector_finds_pods", "minimal", OPEN),
    Mutation(a_service_of_another_component, "a_selector_finds_no_pod_of_another_component", "microservices", OPEN),
    Mutation(a_migration_that_looks_like_a_server, "a_selector_finds_no_pod_that_runs_once", "minimal", OPEN),
    Mutation(a_test_that_looks_like_a_server, "a_selector_finds_no_pod_that_runs_once", "minimal", OPEN),
    Mutation(a_secret_that_nobody_makes, "what_a_pod_needs_is_there"),
    Mutation(a_configuration_that_is_called_otherwise, "what_a_pod_needs_is_there"),
    Mutation(an_account_that_is_not_there, "what_a_pod_needs_is_there"),
    Mutation(a_login_that_is_not_there, "what_a_pod_needs_is_there"),
    Mutation(a_key_that_is_not_there, "keys_that_a_pod_needs_are_there", "dev"),
    Mutation(a_key_that_the_store_does_not_give, "keys_that_a_pod_needs_are_there", "gitops"),
    Mutation(a_secret_from_the_store_under_another_name, "what_a_pod_needs_is_there", "gitops"),
    Mutation(a_target_port_of_nobody, "service_ports_lead_to_pods", "minimal", OPEN),
)
