"""A Ray cluster of a head and one node, for a test that kills its head.

Writes its address as a line to stdout. A line on stdin kills the head's processes, the end of stdin
ends the rest.
"""

import contextlib
import sys

from ray.cluster_utils import Cluster

STORE = 80_000_000

head_args = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
cluster = Cluster(initialize_head=True, head_node_args=head_args)
cluster.add_node(num_cpus=3, object_store_memory=STORE)
print(cluster.address, flush=True)
if sys.stdin.readline():
    for processes in cluster.head_node.all_processes.values():
        for info in processes:
            info.process.kill()
    sys.stdin.readline()
with contextlib.suppress(Exception):
    cluster.shutdown()
