/* Intervals between progressions of a group: what a box plot draws.
   Caveats: a second interval is there only for patients in whom a second organ was seen to progress while scans were
   made, so intervals are those of the quick; analysis.organ_incidence takes the others into account.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4c, 5f to h, S9c, S10; Dunn, Technometrics 1964
   Filled by: step progression_meaning
   Grain: one row per subset, variable, grouping and group_name
   Key: subset, variable, grouping, group_name
   Tags: public
*/
CREATE TABLE analysis.progression_interval (
    subset VARCHAR, -- analysis.progression_cluster, and after a semicolon the cluster within which treatments are
    -- compared
    variable VARCHAR, -- first_days, second_interval_days, third_interval_days, fourth_interval_days, mean_interval_days
    -- or mean_time_days of analysis.progression_patient
    grouping VARCHAR, -- progression cluster or treatment class
    group_name VARCHAR, -- name of the group
    group_order BIGINT, -- order of the groups
    level VARCHAR, -- what is counted: patient or lesion
    patient_subset VARCHAR, -- subset of analysis.progression_cluster
    organ VARCHAR, -- always NULL: patients are compared
    n BIGINT, -- values
    n_patients BIGINT, -- patients behind them
    n_missing BIGINT, -- lesions or patients of the group without the value
    mean DOUBLE, -- mean
    sd DOUBLE, -- standard deviation; NULL for one value
    minimum DOUBLE, -- smallest
    percentile_10 DOUBLE, -- 10th percentile
    first_quartile DOUBLE, -- 25th percentile
    median DOUBLE, -- median
    third_quartile DOUBLE, -- 75th percentile
    percentile_90 DOUBLE, -- 90th percentile
    maximum DOUBLE, -- largest
    median_lower DOUBLE, -- lower limit of the median (survival.confidence)
    median_upper DOUBLE -- upper limit
)
