"""Copies of the marts for those who do not open the DuckDB file: PostgreSQL, Parquet, Superset."""
