"""Prices and CO2 of energy, published and beyond."""
