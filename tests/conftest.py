"""What all tests share: a record in a temporary folder, tiny students, and a laboratory."""

import gc
import os
import sys

import pytest

from localfair.machine.offline import go_offline
from localfair.record import connection
from localfair.record.store import Store
from tests.lab import Lab

go_offline()  # as the command line does before anything else


STORE = 80_000_000  # bytes of a node's object store, the least that Ray takes
# whoever starts a cluster here is as closed as its page says
RAY = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "of-these-tests-and-no-other-cluster",
    "RAY_USAGE_STATS_ENABLED": "0",
    # its workers would stand behind everything else on a busy machine
    "RAY_worker_niceness": "0",
}


MANY_MODULES = 50  # imported since the last look
looked_through = 0  # modules that were imported when the heap was last looked through


def pytest_runtest_setup():
    """Take the libraries, which never go, out of what a collection of garbage looks through.

    An engine that is closed collects garbage. With torch, transformers and thousands of tests in
    memory each such look took a third of a second and more.
    """
    global looked_through
    if len(sys.modules) - looked_through < MANY_MODULES:
        return
    looked_through = len(sys.modules)
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory):
    """Locks of databases lie in a folder of these tests, not in the user's."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        # else each of the many processes that tests start compiles localfair anew
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield folder / "localfair" / "locks"


AS_SHIPPED = connection.SETTINGS


@pytest.fixture(scope="session", autouse=True)
def no_wait_for_the_disk():
    """In this process SQLite does not wait for the disk, which only a power cut could tell.

    It was half of the time of a small run. What tests start as a process waits as it does
    everywhere; `durable` is for a test in this one that is about it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "SETTINGS", (*AS_SHIPPED, "synchronous=OFF"))
        yield


@pytest.fixture
def durable(monkeypatch):
    """Records that are opened from here on are written as they are outside of tests."""
    monkeypatch.setattr(connection, "SETTINGS", AS_SHIPPED)


@pytest.fixture
def store(tmp_path):
    """An empty record, open for writing."""
    with Store.open(tmp_path / "record.db", create=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The script of axe-core, from npm where it can be had now."""
    from tests.chromium import axe_from_npm

    script = axe_from_npm(tmp_path_factory.mktemp("axe"))
    if script is None:
        pytest.skip("npm has no axe-core for us")
    return script


@pytest.fixture(scope="session")
def tiny_student(tmp_path_factory):
    """The folder of a tiny llama with random weights."""
    from tests import tiny

    return tiny.build(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="session")
def tiny_gguf_student(tiny_student, tmp_path_factory):
    """The same student as a GGUF."""
    pytest.importorskip("llama_cpp")
    pytest.importorskip("gguf")
    from tests import tiny_gguf

    folder = tmp_path_factory.mktemp("student-gguf")
    return tiny_gguf.write(tiny_student, folder / "tiny-student.gguf")


@pytest.fixture(scope="session")
def tiny_trained(tmp_path_factory):
    """A tiny student with a trained adapter."""
    pytest.importorskip("transformers")
    pytest.importorskip("gguf")
    from tests import trained

    return trained.build(tmp_path_factory.mktemp("tiny-trained"))


@pytest.fixture
def lab(tmp_path, tiny_student):
    """A task of 8 train and 4 test questions, three scripted teachers, and a tiny real student."""
    return Lab(tmp_path, tiny_student)


@pytest.fixture(scope="session")
def ray_closed():
    """Whatever starts a Ray cluster from here on is as closed as localfair's page says."""
    for name, value in RAY.items():
        os.environ.setdefault(name, value)
    pytest.importorskip("ray")


@pytest.fixture(scope="session")
def ray_cluster(ray_closed):
    """A Ray cluster on this machine: a head without processors, and two nodes with two each."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(num_cpus=2, object_store_memory=STORE)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def joined(ray_cluster):
    """The cluster, joined as `--ray` joins it."""
    from localfair.committee.ray_cluster import RayCluster

    cluster = RayCluster(ray_cluster.address)
    yield cluster
    cluster.leave()
