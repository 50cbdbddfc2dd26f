"""Vehicles yet to come, and what a kW of peak is worth while they are not known."""
