"""What values a column may take in the mixed-integer programs, as HiGHS counts them (semi-...: or 0)."""

import highspy
import numpy as np
from numpy.typing import NDArray

Kinds = NDArray[np.uint8]

CONTINUOUS = highspy.HighsVarType.kContinuous.value
INTEGER = highspy.HighsVarType.kInteger.value
SEMI_CONTINUOUS = highspy.HighsVarType.kSemiContinuous.value
SEMI_INTEGER = highspy.HighsVarType.kSemiInteger.value
