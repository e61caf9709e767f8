/* What made each table: SQL, a Python step, a seed or loaded sources.
   Filled by: the engine
   Grain: one row per table
   Key: name
*/
CREATE TABLE meta.model (
    name VARCHAR, -- schema.table
    fingerprint VARCHAR, -- digest of definition, settings and inputs
    kind VARCHAR, -- source, seed, sql or python
    rows BIGINT, -- number of rows; NULL of views that are worked out when they are read
    built_at TIMESTAMP, -- when it was built, UTC
    seconds DOUBLE, -- seconds to build (of a step, all its tables together)
    cpu_seconds DOUBLE, -- CPU seconds of the thread that built it and of those that its fits started, not of DuckDB's
    node VARCHAR, -- the model or step that makes it
    grain VARCHAR, -- what a row is
    key_columns VARCHAR, -- columns that identify a row
    run_id VARCHAR, -- the run that built it
    fingerprint_parts VARCHAR, -- the fingerprint's parts as JSON, settings included
    doc_digest VARCHAR, -- digest of the descriptions
    suite_digest VARCHAR, -- digest of the suite of checks; NULL where it has none
    origin VARCHAR -- shipped, project, 'project, in place of the shipped one' or 'shipped, with rows of the project'
)
