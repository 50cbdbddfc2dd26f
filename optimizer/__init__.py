"""The planner: `plan(PlanRequest) -> Plan`, pure; numpy, Pyomo and HiGHS stay inside."""

from optimizer.planner import plan
from optimizer.questions.flexibility import flexibility

__all__ = ["flexibility", "plan"]
