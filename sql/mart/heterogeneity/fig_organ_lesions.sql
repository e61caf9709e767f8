/* How many lesions of a type there are in an organ.
   Why: Zhou 2023, Fig. 1b.
   Caveats: analysed lesions only, so each lesion once, by the analysis reader.
   Grain: one row per organ and lesion_type
   Key: organ, lesion_type
   Tags: figure
*/
SELECT
    lesion.organ, -- id of the organ
    lesion.lesion_type, -- target, non-target or new
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    count(*) AS n_lesions, -- lesions
    count(DISTINCT lesion.patient_id) AS n_patients, -- patients with such a lesion
    CAST(sum(count(*)) OVER (PARTITION BY lesion.organ) AS BIGINT) AS n_organ_lesions -- lesions of all types
FROM core.lesion AS lesion
LEFT JOIN core.organ AS organ ON lesion.organ = organ.organ
WHERE lesion.is_analysed
GROUP BY lesion.organ, lesion.lesion_type, organ.display_name, organ.sort_order
