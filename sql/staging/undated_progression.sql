/* One stated progression whose day is not known.
   Why: it is quarantined, for no endpoint can end on it; but who has one did progress, and the censoring has to say so.
   Caveats: overall responses of the trial itself, by the criterion that counts.
   Grain: one row per rs_row
   Key: rs_row
*/
SELECT
    screen.rs_row, -- position of the row in raw.rs
    screen.study_id, -- text id of the study
    screen.patient_id, -- text id of the patient
    screen.reader, -- who gave the response; '' where the source names none
    screen.criterion, -- criterion of staging.response_criterion
    screen.date_text, -- date as written
    screen.stated_day, -- study day as written
    possible_days(screen.date_text, subject.first_dose_date).first_day
        AS first_possible_day, -- first day that a partial date leaves open, from first dose; NULL where there is none
    screen.source_file, -- file of the row
    screen.source_row -- row in the file
FROM staging.disease_response_screen AS screen
INNER JOIN staging.study_criterion AS study_criterion
    ON screen.study_id = study_criterion.study_id AND screen.criterion = study_criterion.criterion
INNER JOIN staging.subject AS subject ON screen.patient_id = subject.patient_id
WHERE
    screen.disposition = 'quarantined'
    AND screen.day IS NULL
    AND screen.patient_id IS NOT NULL
    AND screen.test_code = 'OVRLRESP'
    AND screen.response = 'PD'
    AND screen.response_period = 'on study'
    AND study_criterion.is_analysis_criterion
