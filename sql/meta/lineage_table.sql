/* Which table reads which.
   Filled by: the engine
   Grain: one row per table and table read
   Key: table_name, from_table
*/
CREATE TABLE meta.lineage_table (
    table_name VARCHAR, -- schema.table
    from_table VARCHAR -- a table it reads
)
