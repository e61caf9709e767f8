/* One measure in one group of patients, lesions or measurements.
   Why: numbers for a report or a slide without a query; each is what the expression of mart.metric gives.
   Caveats: a value of few rows is uncertain: n_rows says how many there are.
   Filled by: step metric_value
   Grain: one row per metric, dimension and group_name
   Key: metric, dimension, group_name
   Tags: public
*/
CREATE TABLE mart.metric_value (
    metric VARCHAR, -- name of the measure, mart.metric
    dimension VARCHAR, -- column of mart.metric_dimension by which the rows are cut; all for no cut
    group_name VARCHAR, -- the group; unknown where the column is NULL; all for no cut
    value DOUBLE, -- value of the measure, in the unit of mart.metric; NULL where it has none
    n_rows BIGINT -- rows of the view in the group: patients, lesions or measurements
)
