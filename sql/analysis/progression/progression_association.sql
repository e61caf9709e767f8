/* Tests whether treatment goes with the cluster, or with the organ at a place of the sequence within a cluster.
   How: chi-squared test of the table. Where a count below 5 is expected, its p-value by random tables with the same
   margins instead.
   Reference: Zhou et al., Nat Commun 2023, Fig. 5b to e, S10b to e
   Filled by: step progression_meaning
   Grain: one row per subset and variable
   Key: subset, variable
   Tags: public
*/
CREATE TABLE analysis.progression_association (
    subset VARCHAR, -- analysis.progression_cluster, and after a semicolon the cluster within which treatments are
    -- compared
    variable VARCHAR, -- progression cluster, any progression, or organ at place 1 to 3
    statistic DOUBLE, -- chi-squared
    df BIGINT, -- degrees of freedom
    p_value DOUBLE, -- p-value
    method VARCHAR, -- chi-squared, or permutation
    cramers_v DOUBLE, -- strength, 0 to 1
    n_patients BIGINT, -- patients in the table
    n_treatments BIGINT, -- treatment classes in it
    null_reason VARCHAR -- why there is no test; NULL where there is one
)
