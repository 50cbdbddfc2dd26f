"""The planner: `plan(PlanRequest) -> Plan`, pure; numpy, Pyomo and HiGHS stay inside."""

from optimizer.planner import plan
from optimizer.questions.explanation import explain
from optimizer.questions.flexibility import flexibility
from optimizer.questions.what_if import what_if

__all__ = ["explain", "flexibility", "plan", "what_if"]
