"""What builds the tables of a run: DuckDB by default, or Apache Spark."""
