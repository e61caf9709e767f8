/* Two organs that bear metastases together, or apart, more often than by chance, a line of the forest plot.
   Why: which pairs of organs stand out of so many.
   Caveats: the twenty pairs of a subset with the least p; all are in analysis.organ_cooccurrence.
   Grain: one row per subset, organ and other_organ
   Key: subset, organ, other_organ
   Tags: figure
*/
SELECT
    pair.subset, -- all; where there are several tumor types, each by itself
    pair.organ, -- core.organ
    pair.other_organ, -- core.organ
    organ.display_name || ' and ' || other_organ.display_name AS label, -- the two in words
    pair.n_patients, -- patients
    pair.n_both, -- with both
    pair.lift, -- n_both over what independence would give
    exp(pair.log_odds_ratio) AS odds_ratio, -- odds ratio
    exp(pair.ci_lower) AS ci_lower, -- lower limit, for all pairs together
    exp(pair.ci_upper) AS ci_upper, -- upper limit
    pair.p_value, -- Fisher's exact test
    pair.verdict -- together, apart or open
FROM analysis.organ_cooccurrence AS pair
INNER JOIN core.organ AS organ ON pair.organ = organ.organ
INNER JOIN core.organ AS other_organ ON pair.other_organ = other_organ.organ
QUALIFY row_number() OVER (PARTITION BY pair.subset ORDER BY pair.p_value, pair.organ, pair.other_organ) <= 20
