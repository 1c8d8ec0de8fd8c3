"""localfair: a committee of local open-weight teachers for a small student, with the network
off.
"""

from localfair.machine.offline import go_offline

go_offline()

__version__ = "0.1.0"
