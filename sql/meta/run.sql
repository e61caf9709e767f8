/* The runs that published this file or one before it; a failed run publishes nothing and stands in .lesions/runs.log.
   Filled by: the engine
   Grain: one row per published run
   Key: run_id
*/
CREATE TABLE meta.run (
    run_id VARCHAR, -- id of the run
    started_at TIMESTAMP, -- start, UTC
    finished_at TIMESTAMP, -- end, UTC
    seconds DOUBLE, -- duration in seconds
    version VARCHAR, -- version of lesion-warehouse
    duckdb_version VARCHAR, -- version of DuckDB
    threads INTEGER, -- worker threads
    seed BIGINT, -- the project's seed
    selectors VARCHAR, -- what was asked for; empty for all that was out of date
    n_built INTEGER, -- nodes built
    n_tables INTEGER, -- tables published
    n_checks INTEGER, -- checks made
    n_failed_checks INTEGER -- checks that failed, none of them critical
)
