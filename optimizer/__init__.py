"""The planner: `plan(PlanRequest) -> Plan`, pure; numpy, Pyomo and HiGHS stay inside."""

from optimizer.flexibility import flexibility
from optimizer.planner import plan

__all__ = ["flexibility", "plan"]
