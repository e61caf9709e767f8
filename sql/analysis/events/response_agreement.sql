/* How often one derived response stood beside one reported response.
   Why: responses that a source reports are read by people from more than sizes; where they part from the derived
   ones, either the data or the rule deserves a look.
   Caveats: visits are matched by time point (core.time_point), so a response dated a day beside its scan meets it; a
   response without scans is 'not derived', scans without a response are 'not reported'. Best
   overall response is compared with that of the analysis reader, under its own reader name.
   Grain: one row per study_id, reader, part, derived and reported
   Key: study_id, reader, part, derived, reported
*/
WITH derived AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        target_response,
        nontarget_response,
        has_new_lesion,
        overall_response
    FROM analysis.visit_response
    WHERE NOT is_baseline
),

reported AS (
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        time_point_id,
        target_response,
        nontarget_response,
        has_new_lesion,
        overall_response
    FROM core.response
    WHERE patient_id IS NOT NULL AND is_analysis_criterion
),

matched AS (
    SELECT
        coalesce(derived.patient_id, reported.patient_id) AS patient_id,
        coalesce(derived.reader, reported.reader) AS reader,
        derived.time_point_id IS NOT NULL AS is_derived,
        reported.time_point_id IS NOT NULL AS is_reported,
        derived.target_response AS derived_target,
        reported.target_response AS reported_target,
        derived.nontarget_response AS derived_nontarget,
        reported.nontarget_response AS reported_nontarget,
        derived.has_new_lesion AS derived_new,
        reported.has_new_lesion AS reported_new,
        derived.overall_response AS derived_overall,
        reported.overall_response AS reported_overall
    FROM derived
    FULL OUTER JOIN reported
        ON
            derived.patient_id = reported.patient_id
            AND derived.reader = reported.reader
            AND derived.time_point_id = reported.time_point_id
),

by_part AS (
    SELECT
        patient_id,
        reader,
        'target' AS part,
        derived_target AS derived,
        reported_target AS reported
    FROM matched
    UNION ALL
    SELECT
        patient_id,
        reader,
        'non-target' AS part,
        derived_nontarget AS derived,
        reported_nontarget AS reported
    FROM matched
    UNION ALL
    SELECT
        patient_id,
        reader,
        'new lesion' AS part,
        CASE derived_new WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END AS derived,
        CASE reported_new WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END AS reported
    FROM matched
    UNION ALL
    SELECT
        patient_id,
        reader,
        'overall' AS part,
        derived_overall AS derived,
        reported_overall AS reported
    FROM matched
    UNION ALL
    SELECT
        best.patient_id,
        best.reader,
        'best overall' AS part,
        best.best_overall_response AS derived,
        patient.best_overall_response AS reported
    FROM analysis.best_overall_response AS best
    INNER JOIN core.patient AS patient ON best.patient_id = patient.patient_id
    WHERE best.basis = 'derived' AND best.is_counted_reader
)

SELECT
    patient.study_id, -- text id of the study
    by_part.reader, -- who read the scans; empty text where the source names none
    by_part.part, -- target, non-target, new lesion, overall, best overall
    coalesce(by_part.derived, 'not derived') AS derived, -- response worked out from the lesions
    coalesce(by_part.reported, 'not reported') AS reported, -- response as the source reports it
    coalesce(by_part.derived = by_part.reported, FALSE) AS is_equal, -- the two are the same
    count(*) AS n -- time points; for best overall, patients
FROM by_part
INNER JOIN core.patient AS patient ON by_part.patient_id = patient.patient_id
WHERE coalesce(by_part.derived, 'NONE') <> 'NONE' OR by_part.reported IS NOT NULL
GROUP BY patient.study_id, by_part.reader, by_part.part, by_part.derived, by_part.reported
