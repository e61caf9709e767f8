/* Which stored columns a column is computed from, read from the SQL; Python steps stand in meta.lineage_table only.
   What else decides its value and its rows is in meta.lineage_influence.
   Filled by: the engine
   Grain: one row per column and column read
   Key: table_name, column_name, from_table, from_column
*/
CREATE TABLE meta.lineage_column (
    table_name VARCHAR, -- schema.table
    column_name VARCHAR, -- its column
    from_table VARCHAR, -- a table read
    from_column VARCHAR -- a column of that table
)
