"""The catalogue: every table and column with meaning, lineage, checks and source, on one page."""
