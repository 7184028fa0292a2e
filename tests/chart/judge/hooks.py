"""Rules for what runs to an end: where hooks are marked, what they may need, and that they end and leave their log."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chart.judge.references import made_secret, references
from tests.chart.judge.release import Finding, Object, Release, Rule, hooks_of, name_of

MARKS = ("helm.sh/", "argocd.argoproj.io/")
BEFORE = {"pre-install", "pre-upgrade", "pre-rollback"}
PATIENCE = 300
"""The default of `helm --timeout`, in seconds."""


def order(one: Object) -> int | None:
    """When a hook runs before the release: its weight or wave; None for all else."""
    annotations = one["metadata"].get("annotations", {})
    if BEFORE & set(hooks_of(one)):
        return int(annotations.get("helm.sh/hook-weight", 0))
    wave = int(annotations.get("argocd.argoproj.io/sync-wave", 0))
    if annotations.get("argocd.argoproj.io/hook") == "PreSync" or wave < 0:
        return wave
    return None


def hooks_are_marked_on_the_object(release: Release) -> Iterator[Finding]:
    """On the pod's template they mean nothing: the Job is then applied like all else, and its next upgrade fails."""
    for pod in release.pods():
        for name in pod.value.get("metadata", {}).get("annotations", {}):
            if pod.owner["kind"] != "Pod" and name.startswith(MARKS):
                yield Finding(pod.owner, f"{pod.path}/metadata/annotations/{name.replace('/', '~1')}", "is too deep")


def a_hook_before_the_release_needs_nothing_of_it(release: Release) -> Iterator[Finding]:
    """At an install nothing of the release exists yet, at an upgrade only what the last one said."""
    for pod in release.pods():
        when = order(pod.owner)
        if when is None:
            continue
        for one in references(pod):
            made = release.find(one.kind, one.name) or (one.kind == "Secret" and made_secret(release, one.name)) or None
            first = order(made) if made else None
            if made and (first is None or first >= when):
                yield pod.finding(one.path, f"{name_of(made)} comes with the release")


def hooks_leave_what_failed(release: Release) -> Iterator[Finding]:
    """Only the next run deletes the last one: a failed migration without a pod has no log to look at."""
    for one in release.objects:
        phases = hooks_of(one)
        policies = one["metadata"].get("annotations", {}).get("helm.sh/hook-delete-policy", "").split(",")
        if phases and "before-hook-creation" not in policies:
            yield Finding(one, "/metadata/annotations/helm.sh~1hook-delete-policy", "lacks before-hook-creation")
        if phases and ("hook-failed" in policies or (phases != ["test"] and "hook-succeeded" in policies)):
            yield Finding(one, "/metadata/annotations/helm.sh~1hook-delete-policy", "deletes the log")


def readiness_waits_for_no_hook(release: Release) -> Iterator[Finding]:
    """`helm --wait` waits for readiness before it runs what comes after: each would wait for the other."""
    for one in release.objects:
        for phase in hooks_of(one):
            if phase in {"post-install", "post-upgrade", "post-rollback"}:
                yield Finding(one, "/metadata/annotations/helm.sh~1hook", f"{phase} may wait for ever")


def jobs_end_in_bounded_time(release: Release) -> Iterator[Finding]:
    """Before Helm gives up, which says less, and without a time to live that would race Argo CD."""
    for job in release.kind("Job"):
        spec = job["spec"]
        if not 0 < spec.get("activeDeadlineSeconds", 0) < PATIENCE:
            yield Finding(job, "/spec/activeDeadlineSeconds", f"is not between 0 and {PATIENCE}")
        if spec.get("backoffLimit", 6) > 3:
            yield Finding(job, "/spec/backoffLimit", "is more than 3")
        if "ttlSecondsAfterFinished" in spec:
            yield Finding(job, "/spec/ttlSecondsAfterFinished", "deletes the log")


def what_runs_once_is_not_restarted_in_place(release: Release) -> Iterator[Finding]:
    """With `Never` each try is a pod of its own, with its own log."""
    for pod in release.pods():
        if pod.runs_once and pod.spec.get("restartPolicy") != "Never":
            yield pod.finding("/restartPolicy", "is not Never")


def no_sidecar_keeps_a_job_alive(release: Release) -> Iterator[Finding]:
    """A proxy that a mesh injects does not end with the migration."""
    for pod in release.pods():
        if pod.owner["kind"] != "Job":
            continue
        annotations = pod.value["metadata"].get("annotations", {})
        if pod.labels.get("sidecar.istio.io/inject") != "false" or annotations.get("linkerd.io/inject") != "disabled":
            yield Finding(pod.owner, f"{pod.path}/metadata", "lets a mesh inject its proxy")


RULES: tuple[Rule, ...] = (
    hooks_are_marked_on_the_object,
    a_hook_before_the_release_needs_nothing_of_it,
    hooks_leave_what_failed,
    readiness_waits_for_no_hook,
    jobs_end_in_bounded_time,
    what_runs_once_is_not_restarted_in_place,
    no_sidecar_keeps_a_job_alive,
)
