"""Virtual stations, vehicles, sites and days on an injected clock: the demo, tests and benchmarks live in it."""
