"""Everything that is kept: PostgreSQL with or without TimescaleDB, its migrations, and the store that speaks domain words."""
