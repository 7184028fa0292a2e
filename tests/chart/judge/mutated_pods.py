"""Mistakes in pods and their containers."""

from __future__ import annotations

from tests.chart.judge.mutation import Mutation, container, one, pod
from tests.chart.judge.release import Release


def more_memory_than_requested(release: Release) -> None:
    container(release)["resources"]["limits"]["memory"] = "4Gi"


def no_limit_of_memory(release: Release) -> None:
    del container(release, "Pod")["resources"]["limits"]


def a_limit_of_cpu(release: Release) -> None:
    container(release)["resources"]["limits"]["cpu"] = "1"


def a_root_file_system_to_write_on(release: Release) -> None:
    container(release, "Job")["securityContext"]["readOnlyRootFilesystem"] = False


def capabilities_in_lower_case(release: Release) -> None:
    container(release)["securityContext"]["capabilities"]["drop"] = ["all"]


def a_password_in_a_variable(release: Release) -> None:
    container(release).setdefault("env", []).append({"name": "SLIPWAY_DATABASE__PASSWORD", "value": "hunter2"})


def a_dsn_in_a_variable(release: Release) -> None:
    dsn = {"name": "DATABASE", "value": "postgresql://slipway:hunter2@postgres/slipway"}
    container(release, "Job")["env"].append(dsn)


def a_key_in_the_configuration(release: Release) -> None:
    named = container(release)["envFrom"][0]["configMapRef"]["name"]
    configuration = release.find("ConfigMap", named) or {}
    configuration["data"]["SLIPWAY_X"] = "-----BEGIN PRIVATE KEY-----\nMC4C"


def a_dsn_in_an_argument(release: Release) -> None:
    container(release)["args"].append("--dsn=postgresql://slipway:hunter2@postgres/slipway")


def a_variable_from_a_secret(release: Release) -> None:
    source = {"secretKeyRef": {"name": "slipway", "key": "auth__signing_key"}}
    container(release).setdefault("env", []).append({"name": "TWO", "valueFrom": source})


def a_variable_twice(release: Release) -> None:
    container(release, "Job")["env"].append({"name": "SLIPWAY_ENVIRONMENT", "value": "production"})


def a_probe_of_no_port(release: Release) -> None:
    container(release)["readinessProbe"]["httpGet"]["port"] = "web"


def a_mount_without_a_volume(release: Release) -> None:
    container(release)["volumeMounts"].append({"name": "cache", "mountPath": "/var/cache"})


def two_mounts_in_one_place(release: Release) -> None:
    mounts = container(release)["volumeMounts"]
    mounts.append(dict(mounts[0]))


def a_token_in_a_pod(release: Release) -> None:
    del pod(release, "Job")["automountServiceAccountToken"]


def a_token_from_an_account(release: Release) -> None:
    one(release, "ServiceAccount")["automountServiceAccountToken"] = True


def variables_of_services(release: Release) -> None:
    pod(release)["enableServiceLinks"] = True


MUTATIONS = (
    Mutation(more_memory_than_requested, "cpu_is_requested_and_memory_limited"),
    Mutation(no_limit_of_memory, "cpu_is_requested_and_memory_limited"),
    Mutation(a_limit_of_cpu, "cpu_is_requested_and_memory_limited"),
    Mutation(a_root_file_system_to_write_on, "root_file_system_is_read_only"),
    Mutation(capabilities_in_lower_case, "pod_security_is_restricted"),
    Mutation(a_password_in_a_variable, "no_variable_holds_a_secret"),
    Mutation(a_dsn_in_a_variable, "no_variable_holds_a_secret"),
    Mutation(a_key_in_the_configuration, "no_variable_holds_a_secret"),
    Mutation(a_dsn_in_an_argument, "no_variable_holds_a_secret"),
    Mutation(a_variable_from_a_secret, "no_variable_holds_a_secret"),
    Mutation(a_variable_twice, "variables_are_named_once"),
    Mutation(a_probe_of_no_port, "probe_ports_exist"),
    Mutation(a_mount_without_a_volume, "mounts_have_volumes"),
    Mutation(two_mounts_in_one_place, "mounts_have_volumes"),
    Mutation(a_token_in_a_pod, "no_pod_gets_a_token"),
    Mutation(a_token_from_an_account, "no_pod_gets_a_token"),
    Mutation(variables_of_services, "service_links_are_off"),
)
