/* One study of the report: how many patients, lesions and measurements it brings.
   Why: the first thing that a reader asks of a pooled analysis.
   Grain: one row per study_id
   Key: study_id
   Tags: figure
*/
SELECT
    study_id, -- text id of the study
    title, -- title
    tumor_type, -- tumor type, as the study states it
    phase, -- phase of the trial
    n_patients, -- patients with a known id
    n_analysed_patients, -- of them, with an analysed lesion
    n_lesions, -- lesions, each reader's counted apart
    n_analysed_lesions, -- lesions of the analysis reader that are analysed
    n_measurements -- sizes and empty scans of all lesions
FROM mart.dim_study
