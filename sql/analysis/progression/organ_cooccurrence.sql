/* Two organs and how often they bear metastases together at baseline.
   Why: organs that go together more often than by chance share a way there, or a primary.
   How: analysed patients with a lesion at baseline. Lift is the number with both over that expected were the two
   independent. Limits of the log odds ratio (0.5 added to each count) hold for all pairs of a subset together
   (Bonferroni); Fisher's p, and Benjamini and Hochberg's over the pairs.
   Caveats: a patient is in a trial because of some lesion: organs that each suffice exclude each other in part. Time is
   not in it: which came first is analysis.organ_transition's. Organs affected in fewer than five patients are left out.
   Reference: Haldane, Ann Hum Genet 1956; Benjamini and Hochberg, JRSS B 1995
   Filled by: step organotropism
   Grain: one row per subset, organ and other_organ
   Key: subset, organ, other_organ
   Tags: public
*/
CREATE TABLE analysis.organ_cooccurrence (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    organ VARCHAR, -- core.organ; the first of the two in the order of core.organ
    other_organ VARCHAR, -- core.organ
    n_patients BIGINT, -- patients
    n_both BIGINT, -- with lesions in both
    n_organ_only BIGINT, -- in the first only
    n_other_only BIGINT, -- in the second only
    n_neither BIGINT, -- in neither
    lift DOUBLE, -- n_both over what independence would give
    log_odds_ratio DOUBLE, -- with 0.5 added to each count
    standard_error DOUBLE, -- of log_odds_ratio
    ci_lower DOUBLE, -- lower limit of log_odds_ratio, for all pairs together
    ci_upper DOUBLE, -- upper limit
    p_value DOUBLE, -- Fisher's exact test, two-sided
    p_adjusted DOUBLE, -- false discovery rate over the pairs
    verdict VARCHAR -- together, apart, or open: the limits have 1 between them
)
