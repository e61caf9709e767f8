/* A site that no pattern and no dictionary knows, or that is blank, and how many lesions have it.
   Why: an organ is never guessed; what is not known is listed so that it can be mapped.
   Caveats: map it in sites of study.yml, or add a pattern to staging.site_map.
   Grain: one row per study_id and site_raw
   Key: study_id, site_raw
   Tags: public
*/
WITH lesion_site AS (
    SELECT
        study_id,
        site_raw,
        count(*) AS n_lesions,
        count(DISTINCT patient_id) AS n_patients
    FROM core.lesion
    GROUP BY study_id, site_raw
)

SELECT
    lesion_site.study_id, -- text id of the study
    coalesce(lesion_site.site_raw, '') AS site_raw, -- site as written; '' when blank
    lesion_site.site_raw IS NULL AS is_blank, -- the site is not recorded
    'unknown' AS organ, -- organ that its lesions have
    lesion_site.n_lesions, -- lesions with it
    lesion_site.n_patients, -- patients with such a lesion
    CASE
        WHEN lesion_site.site_raw IS NULL THEN 'Give TULOC in the source, or a constant site in study.yml.'
        ELSE 'Map it under sites in study.yml, or add a pattern to staging.site_map.'
    END AS remedy -- what to do about it
FROM lesion_site
LEFT JOIN staging.site AS site
    ON lesion_site.study_id = site.study_id AND lesion_site.site_raw = site.site_raw
WHERE lesion_site.site_raw IS NULL OR NOT site.is_mapped
