"""Questions beside a plan: what if, how much could move, what priorities cost."""
