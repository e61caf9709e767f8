/* One group of lesions or patients in a line: what a box plot draws.
   Why: the mean, median and quartiles beside each comparison.
   Caveats: quantiles by linear interpolation; the interval of the median is the binomial one, NULL for groups of five
   and fewer.
   Reference: Zhou et al., Cancer Res 2021, Supplementary Tables S2 to S12
   Filled by: step group_comparison
   Grain: one row per subset, variable, grouping and group_name
   Key: subset, variable, grouping, group_name
   Tags: public
*/
CREATE TABLE analysis.group_summary (
    subset VARCHAR, -- which patients (analysis.patient_subset) and, after a semicolon, whose lesions
    variable VARCHAR, -- what is compared, in the unit of its name: analysis.lesion_phase, gower_lesion (gower_distance)
    -- or patient_profile
    grouping VARCHAR, -- by what: staging.comparison_plan
    group_name VARCHAR, -- name of the group
    group_order BIGINT, -- order of the groups
    level VARCHAR, -- what is counted: patient or lesion
    patient_subset VARCHAR, -- analysis.patient_subset
    organ VARCHAR, -- organ class of the lesions; NULL where organs are compared, or all are taken
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
