"""Mistakes in pods and their containers."""

from __future__ import annotations

from tests.chart.judge.mutation import Mutation, container, one, pod
from tests.chart.judge.release import Release


def no_request_of_cpu(release: Release) -> None:
    del container(release)["resources"]["requests"]["cpu"]


def no_resources_in_a_migration(release: Release) -> None:
    del container(release, "Job")["resources"]


def more_memory_than_requested(release: Release) -> None:
    container(release)["resources"]["limits"]["memory"] = "4Gi"


def no_limit_of_memory(release: Release) -> None:
    del container(release, "Pod")["resources"]["limits"]


def a_limit_of_cpu(release: Release) -> None:
    container(release)["resources"]["limits"]["cpu"] = "1"


def a_root_file_system_to_write_on(release: Release) -> None:
    del container(release, "Job")["securityContext"]["readOnlyRootFilesystem"]


def capabilities_in_lower_case(release: Release) -> None:
    container(release)["securityContext"]["capabilities"]["drop"] = ["all"]


def no_profile_of_seccomp(release: Release) -> None:
    del pod(release, "Pod")["securityContext"]["seccompProfile"]


def a_folder_of_the_node(release: Release) -> None:
    pod(release)["volumes"].append({"name": "log", "hostPath": {"path": "/var/log"}})


def privileges_that_grow(release: Release) -> None:
    container(release, "Job")["securityContext"]["allowPrivilegeEscalation"] = True


def the_network_of_the_node(release: Release) -> None:
    pod(release)["hostNetwork"] = True


def no_profile_of_apparmor(release: Release) -> None:
    pod(release)["securityContext"]["appArmorProfile"] = {"type": "Unconfined"}


def a_type_of_selinux_for_the_node(release: Release) -> None:
    container(release)["securityContext"]["seLinuxOptions"] = {"type": "spc_t"}


def a_probe_of_another_host(release: Release) -> None:
    container(release)["readinessProbe"]["httpGet"]["host"] = "169.254.169.254"


def a_port_of_the_node(release: Release) -> None:
    container(release)["ports"][0]["hostPort"] = 8000


def a_user_of_the_node(release: Release) -> None:
    pod(release)["securityContext"]["runAsUser"] = 1000


def a_group_of_the_node_for_one_pod(release: Release) -> None:
    del pod(release, "Job")["securityContext"]["fsGroup"]


def an_image_that_moves(release: Release) -> None:
    container(release)["image"] = "registry.example.com:5000/slipway:latest"


def an_image_without_a_tag(release: Release) -> None:
    container(release, "Job")["image"] = "registry.example.com:5000/slipway"


def no_pull_policy(release: Release) -> None:
    del container(release, "Pod")["imagePullPolicy"]


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


def no_readiness_probe(release: Release) -> None:
    del container(release)["readinessProbe"]


def no_startup_probe(release: Release) -> None:
    del container(release)["startupProbe"]


def a_probe_in_a_migration(release: Release) -> None:
    container(release, "Job")["livenessProbe"] = {"exec": {"command": ["true"]}}


def liveness_that_asks_the_database(release: Release) -> None:
    container(release)["livenessProbe"]["httpGet"]["path"] = container(release)["readinessProbe"]["httpGet"]["path"]


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


def a_grace_period_of_the_default(release: Release) -> None:
    del pod(release)["terminationGracePeriodSeconds"]


def a_sleep_that_the_process_does_not_know(release: Release) -> None:
    container(release)["lifecycle"]["preStop"]["sleep"]["seconds"] = 1


def a_sleep_by_a_program(release: Release) -> None:
    container(release)["lifecycle"]["preStop"]["exec"] = {"command": ["sleep", "15"]}


def pods_on_one_node(release: Release) -> None:
    del pod(release)["topologySpreadConstraints"][0]


def pods_spread_by_what_others_share(release: Release) -> None:
    del pod(release)["topologySpreadConstraints"][1]["labelSelector"]["matchLabels"]["app.kubernetes.io/component"]


def pods_that_wait_for_a_zone(release: Release) -> None:
    pod(release)["topologySpreadConstraints"][1]["whenUnsatisfiable"] = "DoNotSchedule"


MUTATIONS = (
    Mutation(no_request_of_cpu, "cpu_and_memory_are_requested"),
    Mutation(no_resources_in_a_migration, "cpu_and_memory_are_requested"),
    Mutation(more_memory_than_requested, "memory_limit_is_its_request"),
    Mutation(no_limit_of_memory, "memory_limit_is_its_request"),
    Mutation(a_limit_of_cpu, "cpu_has_no_limit"),
    Mutation(a_root_file_system_to_write_on, "root_file_system_is_read_only"),
    Mutation(capabilities_in_lower_case, "pod_security_is_restricted"),
    Mutation(no_profile_of_seccomp, "pod_security_is_restricted"),
    Mutation(a_folder_of_the_node, "pod_security_is_restricted"),
    Mutation(privileges_that_grow, "pod_security_is_restricted"),
    Mutation(the_network_of_the_node, "pod_security_is_restricted"),
    Mutation(no_profile_of_apparmor, "pod_security_is_restricted"),
    Mutation(a_type_of_selinux_for_the_node, "pod_security_is_restricted"),
    Mutation(a_probe_of_another_host, "pod_security_is_restricted"),
    Mutation(a_port_of_the_node, "pod_security_is_restricted"),
    Mutation(a_user_of_the_node, "users_are_above_those_of_the_node"),
    Mutation(a_group_of_the_node_for_one_pod, "users_are_above_those_of_the_node"),
    Mutation(an_image_that_moves, "image_is_named_for_good"),
    Mutation(an_image_without_a_tag, "image_is_named_for_good"),
    Mutation(no_pull_policy, "image_pull_policy_is_said"),
    Mutation(a_password_in_a_variable, "no_variable_holds_a_secret"),
    Mutation(a_dsn_in_a_variable, "no_variable_holds_a_secret"),
    Mutation(a_key_in_the_configuration, "no_variable_holds_a_secret"),
    Mutation(a_dsn_in_an_argument, "no_variable_holds_a_secret"),
    Mutation(a_variable_from_a_secret, "no_variable_holds_a_secret"),
    Mutation(a_variable_twice, "variables_are_named_once"),
    Mutation(no_readiness_probe, "servers_have_all_three_probes"),
    Mutation(no_startup_probe, "servers_have_all_three_probes"),
    Mutation(a_probe_in_a_migration, "what_runs_once_has_no_probes"),
    Mutation(liveness_that_asks_the_database, "liveness_is_not_readiness"),
    Mutation(a_probe_of_no_port, "probe_ports_exist"),
    Mutation(a_mount_without_a_volume, "mounts_have_volumes"),
    Mutation(two_mounts_in_one_place, "mounts_have_volumes"),
    Mutation(a_token_in_a_pod, "no_pod_gets_a_token"),
    Mutation(a_token_from_an_account, "no_pod_gets_a_token"),
    Mutation(variables_of_services, "service_links_are_off"),
    Mutation(a_grace_period_of_the_default, "grace_period_holds_the_whole_stop"),
    Mutation(a_sleep_that_the_process_does_not_know, "grace_period_holds_the_whole_stop"),
    Mutation(a_sleep_by_a_program, "a_stop_begins_with_a_native_sleep"),
    Mutation(pods_on_one_node, "replicas_are_spread"),
    Mutation(pods_spread_by_what_others_share, "replicas_are_spread"),
    Mutation(pods_that_wait_for_a_zone, "replicas_are_spread"),
)
