"""Rules for every object: names, namespaces, labels, and no hole in it."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator

from tests.chart.judge.release import COMPONENT, Finding, Release, Rule, name_of
from tests.support.rendering import walk

LABELS = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    COMPONENT,
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
)
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
MEANT = ("/emptyDir", "/podSelector", "/namespaceSelector")
"""Where an empty map says something: a volume of memory or disk, every pod, every namespace."""


def nothing_is_null_or_empty(release: Release) -> Iterator[Finding]:
    """An empty field is a value that was forgotten, and Server-side apply makes it ours all the same."""
    for one in release.objects:
        for path, value in walk(one):
            if value in (None, "", {}, []) and not path.endswith(MEANT):
                yield Finding(one, path, f"is {value!r}")


def every_object_is_in_the_namespace_of_the_release(release: Release) -> Iterator[Finding]:
    """`kubectl apply` of a rendering would put it wherever its user happens to be; and no object is cluster-wide."""
    wanted = Counter(one["metadata"].get("namespace") for one in release.objects).most_common(1)[0][0]
    for one in release.objects:
        namespace = one["metadata"].get("namespace")
        if namespace is None or namespace != wanted:
            yield Finding(one, "/metadata/namespace", f"{namespace} is not {wanted}")


def names_are_given_once(release: Release) -> Iterator[Finding]:
    """Of two objects of one name the second silently wins."""
    count = Counter(map(name_of, release.objects))
    for one in release.objects:
        if count[name_of(one)] > 1:
            yield Finding(one, "/metadata/name", "is there twice")


def secrets_hold_what_is_secret(release: Release) -> Iterator[Finding]:
    """A password of a rendered Secret stands nowhere else in the rendering, in clear or in base64."""
    for secret in release.kind("Secret"):
        for key, value in secret.get("data", {}).items():
            forms = {value, *base64.b64decode(value).decode().splitlines()}
            for one in release.objects:
                for path, text in walk(one):
                    if one is not secret and isinstance(text, str) and any(form in text for form in forms):
                        yield Finding(one, path, f"shows {key} of {name_of(secret)}")


RULES: tuple[Rule, ...] = (
    nothing_is_null_or_empty,
    every_object_is_in_the_namespace_of_the_release,
    names_are_given_once,
    secrets_hold_what_is_secret,
)
