/* A digest of each table's content as it was published: a run compares what it carries on, and builds anew what another
   program has altered.
   Filled by: the engine
   Grain: one row per table, this one aside, and per macro
   Key: table_name
*/
CREATE TABLE meta.digest (
    table_name VARCHAR, -- schema.table, or 'macro schema.name'
    digest VARCHAR, -- of the columns and rows, in whatever order; of the definition of a view or macro
    duckdb_version VARCHAR -- version of DuckDB whose hash it is
)
