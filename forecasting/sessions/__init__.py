"""Departure and energy of sessions, from plug-in until they end."""
