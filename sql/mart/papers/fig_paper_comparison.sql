/* Published numbers of three papers beside this warehouse's, and whether they agree.
   Why: what the analyses find here of what was found there, and what not.
   How: mart.published_finding says what was published and by which rule it is judged. within: at most criterion
   from the published number. above, below: the value lies on that side of criterion, and where the paper calls it
   significant (is_significant) p < 0.05 here too, or without p the interval does not reach the criterion. no
   difference: p of at least 0.05. in_simulation stands only where trials are simulated.
   Caveats: the papers' patients are not these. p-values are not corrected for the number of rows. A row that needs more
   patients than there are differs for that alone. No rows without colorectal trials and without radiomic features.
   Reference: Zhou et al., Nat Commun 2023; Zhou et al., Cancer Res 2021; Henry et al., Sci Rep 2022
   Grain: one row per finding_order
   Key: finding_order
   Tags: figure
*/
WITH project AS (
    SELECT
        bool_or(coalesce(tumor_type, '') ILIKE '%colorectal%') AS is_colorectal,
        (SELECT count(*) > 0 FROM staging.simulated_lesion) AS is_simulated,
        (SELECT count(*) > 0 FROM mart.paper_radiomics) AS has_radiomics
    FROM core.study
),

beside AS (
    SELECT
        finding.*,
        measure.value,
        measure.ci_lower,
        measure.ci_upper,
        measure.p_value,
        measure.n,
        project.is_simulated,
        CASE
            WHEN measure.p_value IS NOT NULL THEN measure.p_value < 0.05
            WHEN finding.rule = 'above' THEN measure.ci_lower > finding.criterion
            WHEN finding.rule = 'below' THEN measure.ci_upper < finding.criterion
        END AS is_significant_here
    FROM mart.published_finding AS finding
    CROSS JOIN project
    LEFT JOIN mart.paper_measure AS measure ON finding.item = measure.item
    WHERE CASE WHEN finding.paper = 'Henry 2022' THEN project.has_radiomics ELSE project.is_colorectal END
)

SELECT
    finding_order, -- order of the table
    paper, -- Zhou 2023 (Nat Commun), Zhou 2021 (Cancer Res) or Henry 2022 (Sci Rep)
    source, -- figure or table of the paper
    finding, -- what was found
    published, -- as published
    unit, -- unit of the number; NULL for counts and shares without
    item, -- the number here: mart.paper_measure
    value, -- the number here; NULL where there is none
    ci_lower, -- lower limit; NULL where there is none
    ci_upper, -- upper limit
    p_value, -- two-sided p; NULL where there is no test
    n, -- patients, lesions or organs that the number rests on
    rule, -- within, above, below or no difference
    criterion, -- what the rule compares with: the largest distance, or the bound
    CASE
        WHEN value IS NULL THEN 'not here'
        WHEN rule = 'within' THEN CASE WHEN abs(value - published_value) <= criterion THEN 'yes' ELSE 'no' END
        WHEN rule = 'no difference'
            THEN CASE WHEN p_value IS NULL THEN 'not here' WHEN p_value >= 0.05 THEN 'yes' ELSE 'no' END
        WHEN NOT CASE WHEN rule = 'above' THEN value > criterion ELSE value < criterion END THEN 'no'
        WHEN is_significant AND NOT coalesce(is_significant_here, FALSE) THEN 'same direction'
        ELSE 'yes'
    END AS agreement, -- yes, same direction (but not significant), no, or not here (no such number)
    -- calibrated (made to agree), planted (an effect), by itself, or not simulated; NULL of real trials
    CASE WHEN is_simulated THEN in_simulation END AS in_simulation -- what the simulation does about it
FROM beside
