/* Responses derived from the lesions against those that the study reports.
   Why: where both exist they should mostly agree; where not, definitions or data differ.
   Grain: one row per study_id, reader, part, derived and reported
   Key: study_id, reader, part, derived, reported
   Tags: figure
*/
SELECT
    study_id, -- text id of the study
    reader, -- who read the scans
    part, -- target, non-target or overall response
    derived, -- response derived here
    reported, -- response that the study reports
    is_equal, -- they are the same
    n -- assessments
FROM analysis.response_agreement
