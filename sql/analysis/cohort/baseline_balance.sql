/* How far two arms, or classes of treatment, differ in a characteristic at baseline.
   Why: Table 1 by arm. In standard deviations a difference means the same in small and large trials, which a p-value
   does not.
   How: measured, (mean a - mean b) / sqrt((s_a^2 + s_b^2) / 2) (Austin 2009); counted, the Mahalanobis distance of the
   shares (Yang and Dalton 2012), which for two levels is Austin's. Of patients with a value only.
   Caveats: 0.1 is often taken as a lack of balance, but chance alone gives up to about 4 / sqrt(n) for n patients in
   two arms of one size: look at the limits. Missing values may differ between arms themselves.
   Reference: Austin, Stat Med 2009, 28:3083; Yang and Dalton, SAS Global Forum 2012, 335
   Filled by: step baseline_balance
   Grain: one row per grouping, subset, variable, group_a and group_b
   Key: grouping, subset, variable, group_a, group_b
   Tags: public
*/
CREATE TABLE analysis.baseline_balance (
    grouping VARCHAR, -- treatment class, or arm
    subset VARCHAR, -- all, or study and its id
    variable VARCHAR, -- analysis.patient_characteristic
    group_a VARCHAR, -- class of the treatment, or arm
    group_b VARCHAR, -- another, later by name
    kind VARCHAR, -- continuous, binary or multi-category; with a single level, binary
    n_a BIGINT, -- patients of group_a with a value
    n_b BIGINT, -- patients of group_b
    difference DOUBLE, -- standardised difference, a - b; of two levels that of the share of the one last by name; of
    -- more levels it has no sign
    ci_lower DOUBLE, -- lower 95 % limit
    ci_upper DOUBLE, -- upper 95 % limit
    null_reason VARCHAR -- why there is no difference; NULL where there is one
)
