"""The one formulation: topics declare unknowns, constraints and terms; Pyomo writes them, compiled to sparse arrays."""
