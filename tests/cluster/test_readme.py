"""The README's lines for a cluster, as they stand there."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.conftest import ROOT, Images
from tests.support.helm import helm_program
from tests.support.readme import HELM


@pytest.fixture
def fresh(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace that is not there yet."""
    namespace = Namespace(cluster, f"slipway-readme-{secrets.token_hex(4)}")
    yield namespace
    namespace.remove()


def test_its_lines_install_and_test_a_release(fresh: Namespace, images: Images) -> None:
    repository, _, tag = images.first.rpartition(":")
    here = [f"--set=image.repository={repository}", f"--set-string=image.tag={tag}"]
    if postgres := os.environ.get("SLIPWAY_TEST_POSTGRES_IMAGE"):
        here.append(f"--set=dev.postgres.image={postgres}")
    said = ""
    for command in HELM:
        words = shlex.split(command)
        words[0] = str(helm_program())
        words[words.index("--namespace") + 1] = fresh.name
        words += [f"--kube-context={fresh.cluster.context}", *(here if "install" in words else ())]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        said += f"{command}\n{done.stdout}\n{done.stderr}\n"
        assert done.returncode == 0, said + fresh.report()
    assert "STATUS: deployed" in said
    assert said.count("Succeeded") >= 3, said
