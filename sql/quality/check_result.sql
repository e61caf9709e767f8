/* One check of one table, as it came out the last time that the table was checked.
   Filled by: the engine
   Grain: one row per table_name and check_id
   Key: table_name, check_id
*/
CREATE TABLE quality.check_result (
    run_id VARCHAR, -- the run that made this result
    run_at TIMESTAMP, -- when that run began (UTC)
    table_name VARCHAR, -- the table checked, schema.table
    check_id VARCHAR, -- name of the check, unique in its table
    expectation VARCHAR, -- the kind of check: a Great Expectations type or one of ours
    column_name VARCHAR, -- the columns that the check names, separated by commas; null for a whole table
    severity VARCHAR, -- critical (a failure stops the publish), warning or info
    success BOOLEAN, -- true when the check ran and held
    element_count BIGINT, -- rows of the table when it was checked
    unexpected_count BIGINT, -- rows that fail the check, or groups where it is a check of groups
    unexpected_percent DOUBLE, -- unexpected_count in percent of the rows (of a column's non-null values where the check
    -- looks at these only)
    observed VARCHAR, -- what was found: the value of an aggregate, or examples of failing values
    unexpected_keys VARCHAR, -- keys of failing rows as JSON, the first 20 in their order
    kwargs VARCHAR, -- arguments of the check as JSON
    error VARCHAR, -- why the check could not run; such a check has failed
    description VARCHAR, -- what must hold, in words
    remedy VARCHAR -- what to do when the check fails
)
