"""The peak memory of one contestant: `python benchmarks/memory.py METHOD NETWORK SIZE CONTESTANT` prints bytes."""

import sys

from contest import peak
from measurements import measurements
from scene import scene

if __name__ == "__main__":
    method, network, size, contestant = sys.argv[1:]
    stage = scene(network, int(size))
    (work,) = [each for each in measurements(quick=False) if (each.method, each.network) == (method, network)]
    call = work.contestants[contestant](stage)
    stage.forward()
    print(peak(call))
