/* Which stored columns decide a column's value or its table's rows without being part of the value: keys of joins,
   filters, groups, windows and orders, read from the SQL.
   Filled by: the engine
   Grain: one row per column and column that decides
   Key: table_name, column_name, from_table, from_column
*/
CREATE TABLE meta.lineage_influence (
    table_name VARCHAR, -- schema.table
    column_name VARCHAR, -- its column; * for all of them, which have the same rows
    from_table VARCHAR, -- a table read
    from_column VARCHAR -- a column of that table; * where only its rows count
)
