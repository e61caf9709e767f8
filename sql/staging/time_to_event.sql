/* One time to an event that the source's own analysis data set states (ADaM ADTTE).
   Why: where the trial's statisticians already settled a date of death or progression, theirs is taken.
   Caveats: times are taken as stated, in days; ADaM often counts the first day as 1. A month is 30.4375 days. CNSR 0
   is an event, anything greater is censored. Rows that repeat are one row (n_source_rows); of two times for one
   parameter core.patient takes the first in the file.
   Grain: one row per subject and distinct ADTTE content
   Key: time_to_event_id
*/
WITH adtte AS (
    SELECT
        subject_key.study_id,
        subject_key.patient_id,
        upper(clean_text(adtte.paramcd)) AS parameter,
        clean_text(adtte.aval) AS time_text,
        clean_text(adtte.avalu) AS time_unit,
        clean_text(adtte.cnsr) AS censor_text,
        adtte._source_file AS source_file,
        adtte._source_row AS source_row
    FROM raw.adtte AS adtte
    INNER JOIN staging.subject_key AS subject_key
        ON adtte._study_id = subject_key.study_id AND clean_text(adtte.usubjid) = subject_key.usubjid_raw
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        parameter,
        time_text,
        time_unit,
        censor_text,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM adtte
    GROUP BY ALL
)

SELECT
    patient_id || '/TTE' || row_number() OVER (
        PARTITION BY patient_id ORDER BY source.file, source.row
    ) AS time_to_event_id, -- text id of the time
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    CASE
        WHEN parameter IN ('OS', 'OVRSURV', 'DEATH') THEN 'OS'
        WHEN parameter LIKE 'PFS%' THEN 'PFS'
        ELSE parameter
    END AS endpoint, -- OS, PFS or another
    parameter, -- PARAMCD as written, upper case
    -- To the millionth of a day: 382 days that a source writes as months with nine digits are 382 days again.
    round(finite_number(time_text) * days_in_unit(time_unit), 6) AS time_days, -- time, days; NULL when unreadable
    CASE WHEN finite_number(censor_text) IS NOT NULL THEN finite_number(censor_text) = 0 END
        AS is_event, -- the event happened; else censored
    0.5 * days_in_unit(time_unit) * power(10, -length(coalesce(regexp_extract(time_text, '^[^.]*[.]([0-9]+)$', 1), '')))
        AS rounding_days, -- half of the last digit of time_days as written, days
    n_source_rows, -- rows of ADTTE behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM distinct_row
