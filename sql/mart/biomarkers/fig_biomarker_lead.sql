/* Turnbull's estimate of the lead of a biomarker's progression over that of the disease, to be drawn.
   Why: how many patients' markers rose how long before the scan.
   Grain: one row per subset, test, rule_set and point_order
   Key: subset, test, rule_set, point_order
   Tags: figure
*/
WITH ended AS (
    SELECT
        subset,
        test,
        rule_set,
        from_days AS lead_days,
        share_at_most - mass AS share_at_most
    FROM analysis.biomarker_lead_curve
    UNION ALL
    SELECT
        subset,
        test,
        rule_set,
        to_days AS lead_days,
        share_at_most
    FROM analysis.biomarker_lead_curve
)

SELECT
    ended.subset, -- all, or study and its id
    ended.test, -- marker of staging.biomarker
    ended.rule_set, -- rule set of staging.biomarker_rule
    row_number() OVER (
        PARTITION BY ended.subset, ended.test, ended.rule_set ORDER BY ended.lead_days, ended.share_at_most
    ) AS point_order, -- order along the curve
    marker.display_name || ', ' || ended.rule_set AS rule_name, -- marker and rule set
    ended.lead_days, -- lead, days; below 0: the disease came first
    least(greatest(ended.share_at_most, 0), 1) AS share_at_most, -- share with a lead up to there; between the ends of
    -- an interval the estimate says nothing
    summary.n_both, -- patients with both events
    summary.n_disease_only, -- patients in whom the disease progressed without the marker
    summary.n_marker_only -- patients in whom only the marker progressed
FROM ended
INNER JOIN staging.biomarker AS marker ON ended.test = marker.marker
INNER JOIN analysis.biomarker_lead_summary AS summary
    ON ended.subset = summary.subset AND ended.test = summary.test AND ended.rule_set = summary.rule_set
