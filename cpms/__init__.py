"""Optimization-first energy management platform for EV charging."""
