"""Rules for NetworkPolicies: where one is rendered every pod is closed, but for what its settings need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.chart.judge.release import Finding, Object, Pod, Release, Rule, name_of

DATABASES = ("SLIPWAY_DATABASE__", "SLIPWAY_DATABASE__DIRECT__")
NO_ADDRESS = ("ISSUER", "AUDIENCE")
"""Settings that may look like a URL and are only compared."""
DNS_PORTS = (53, 5353)
NAMED = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """What a setting makes a process connect to; `pod` if it is one of the release."""

    setting: str
    host: str
    port: int
    pod: Pod | None


def policies(release: Release, pod: Pod) -> list[Object]:
    return [
        one
        for one in release.kind("NetworkPolicy")
        if one["spec"]["podSelector"].get("matchLabels", {}).items() <= pod.labels.items()
    ]


def rules(release: Release, pod: Pod, way: str) -> list[Object]:
    return [rule for one in policies(release, pod) for rule in one["spec"].get(way, [])]


def every_pod_is_closed_both_ways(release: Release) -> Iterator[Finding]:
    """A pod without a policy may talk to everybody, also one that only a hook or a test makes."""
    if not release.kind("NetworkPolicy"):
        return
    for pod in release.pods():
        closed = {way for one in policies(release, pod) for way in one["spec"].get("policyTypes", [])}
        for way in sorted({"Ingress", "Egress"} - closed):
            yield Finding(pod.owner, f"{pod.path}/metadata/labels", f"no policy closes {way}")


def dns_is_reached_by_both_protocols(release: Release) -> Iterator[Finding]:
    """A long answer comes by TCP; without DNS all one reads is "could not connect to the database"."""
    for pod in closed_pods(release):
        for protocol in ("UDP", "TCP"):
            if addresses(release, pod) and not any(
                _opens(rule, port, protocol, None) for rule in rules(release, pod, "egress") for port in DNS_PORTS
            ):
                yield Finding(pod.owner, f"{pod.path}/metadata/labels", f"no policy lets it ask DNS by {protocol}")


def what_settings_name_is_reached(release: Release) -> Iterator[Finding]:
    """Database, collector, other processes: their egress follows from the settings."""
    for pod in closed_pods(release):
        for one in addresses(release, pod):
            if not any(_opens(rule, one.port, "TCP", one.pod, "to") for rule in rules(release, pod, "egress")):
                words = f"no policy lets it reach {one.host}:{one.port} of {one.setting}"
                yield Finding(pod.owner, f"{pod.path}/metadata/labels", words)


def who_is_sent_here_is_let_in(release: Release) -> Iterator[Finding]:
    """A connection inside the release needs two rules: egress of the one, ingress of the other."""
    for pod in release.pods():
        for one in addresses(release, pod):
            if one.pod and policies(release, one.pod):
                incoming = rules(release, one.pod, "ingress")
                if not any(_opens(rule, one.port, "TCP", pod, "from", ports=one.pod.ports) for rule in incoming):
                    words = f"lets {name_of(pod.owner)} not in, which {one.setting} sends to {one.port}"
                    yield Finding(one.pod.owner, f"{one.pod.path}/metadata/labels", words)


def policy_ports_exist(release: Release) -> Iterator[Finding]:
    """The name of a port that no pod has lets nobody in."""
    for policy in release.kind("NetworkPolicy"):
        labels = policy["spec"]["podSelector"].get("matchLabels", {})
        there = {name for pod in release.selected(labels) for name in pod.ports}
        for number, rule in enumerate(policy["spec"].get("ingress", [])):
            for index, port in enumerate(rule.get("ports", [])):
                if isinstance(port.get("port"), str) and port["port"] not in there:
                    path = f"/spec/ingress/{number}/ports/{index}/port"
                    yield Finding(policy, path, f"{port['port']} is no port of its pods")


def closed_pods(release: Release) -> Iterator[Pod]:
    """Pods whose egress some policy limits."""
    for pod in release.pods():
        if any("Egress" in one["spec"].get("policyTypes", []) for one in policies(release, pod)):
            yield pod


def addresses(release: Release, pod: Pod) -> list[Address]:
    found: list[Address] = []
    for container in pod.containers():
        told = release.variables(container)
        found += [
            _address(release, f"{start}HOST", told[f"{start}HOST"], int(told[f"{start}PORT"]))
            for start in DATABASES
            if f"{start}HOST" in told
        ]
        asked: dict[str, str] = {f"args/{number}": word for number, word in enumerate(container.value.get("args", []))}
        if not pod.runs_once:  # neither a migration nor a test exports spans or calls other processes by settings
            asked |= {name: value for name, value in told.items() if not name.endswith(NO_ADDRESS)}
        for name, value in asked.items():
            url = urlsplit(value)
            if url.scheme in NAMED and url.hostname:
                found.append(_address(release, name, url.hostname, url.port or NAMED[url.scheme]))
    return found


def _address(release: Release, setting: str, host: str, port: int) -> Address:
    """Policies are about pods: a Service's port becomes that of the container behind it."""
    service = release.find("Service", host.partition(".")[0])
    if service and (pods := release.selected(service["spec"]["selector"])):
        targets = [one.get("targetPort", one["port"]) for one in service["spec"]["ports"] if one["port"] == port]
        for target in targets:
            named = pods[0].ports.get(str(target))
            return Address(setting, host, target if named is None else named, pods[0])
    return Address(setting, host, port, None)


def _opens(
    rule: Object, port: int, protocol: str, peer: Pod | None, way: str = "to", *, ports: dict[str, int] | None = None
) -> bool:
    """Whether a rule lets a connection through; `ports` are those that it may name."""
    named = (ports or (peer.ports if peer else {})).get
    through = any(
        one.get("protocol", "TCP") == protocol
        and (
            named(str(one.get("port")), one.get("port")) in (None, port)
            or ("endPort" in one and one["port"] <= port <= one["endPort"])
        )
        for one in rule.get("ports", [{"protocol": protocol}])
    )
    peers: list[Object] = rule.get(way, [])
    if not peer or not peers:
        return through
    return through and any(
        one["podSelector"].get("matchLabels", {}).items() <= peer.labels.items()
        for one in peers
        if "podSelector" in one
    )


RULES: tuple[Rule, ...] = (
    every_pod_is_closed_both_ways,
    dns_is_reached_by_both_protocols,
    what_settings_name_is_reached,
    who_is_sent_here_is_let_in,
    policy_ports_exist,
)
