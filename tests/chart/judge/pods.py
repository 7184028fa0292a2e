"""Rules for each pod: Pod Security, tokens, and variables of Services."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chart.judge.pod_security import violations
from tests.chart.judge.release import Finding, Release, Rule


def pod_security_is_restricted(release: Release) -> Iterator[Finding]:
    """A namespace that enforces the Pod Security Standard *restricted* admits every pod of ours."""
    for pod in release.pods():
        for path, words in violations(pod.spec):
            yield pod.finding(path, words)


def no_pod_gets_a_token(release: Release) -> Iterator[Finding]:
    """Nothing here talks to the API server, and a token is what an intruder looks for first."""
    for pod in release.pods():
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield pod.finding("/automountServiceAccountToken", "is not false")
    for account in release.kind("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield Finding(account, "/automountServiceAccountToken", "is not false")


def service_links_are_off(release: Release) -> Iterator[Finding]:
    """Kubernetes would add variables named after Services, which the service takes for settings it does not know."""
    for pod in release.pods():
        if pod.spec.get("enableServiceLinks") is not False:
            yield pod.finding("/enableServiceLinks", "is not false")


RULES: tuple[Rule, ...] = (
    pod_security_is_restricted,
    no_pod_gets_a_token,
    service_links_are_off,
)
