import subprocess
import sys

from forecasting.learning.openmp import NAME, bundled

ADOPT = f"""
import ctypes
from forecasting.learning.openmp import bundled, load_as
loaded = load_as(bundled(), {NAME!r})
assert ctypes.CDLL({NAME!r})._handle == loaded._handle, "another runtime answers to the name"
import lightgbm, numpy
lightgbm.train({{"verbosity": -1}}, lightgbm.Dataset(numpy.random.rand(50, 2), numpy.random.rand(50)), 2)
in_use = {{line.split()[-1] for line in open("/proc/self/maps") if "libgomp" in line}}
assert not any(path.startswith(("/lib", "/usr/lib")) for path in in_use), in_use
"""


def test_lightgbm_runs_on_the_runtime_that_scikit_learn_brings():
    assert bundled() is not None
    subprocess.run([sys.executable, "-c", ADOPT], check=True, timeout=60)
