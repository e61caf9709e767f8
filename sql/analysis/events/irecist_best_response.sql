/* One reader's best overall response of a patient by iRECIST (iBOR), and the day of progression.
   Why: the one word per patient, beside that of RECIST 1.1 (analysis.best_overall_response).
   How: the best of the time points up to and including the first iCPD (staging.irecist_category): an iUPD does not
   override a better response that follows it, unless it was confirmed before. iSD before the sixth week
   (endpoints.stable_min_days) is not evaluable.
   Progression is dated to the first iUPD of the first run that was confirmed, or that no iCR, iPR or iSD followed.
   Caveats: responses are not asked to be confirmed, as in table 3 of the guideline.
   Reference: Seymour et al. 2017, Lancet Oncol 18:e143, table 3 and section on progression-free survival.
   Grain: one row per patient_id and reader
   Key: patient_id, reader
   Tags: public
*/
WITH setting AS (
    SELECT CAST(value AS INTEGER) AS stable_min_days
    FROM meta.setting
    WHERE name = 'endpoints.stable_min_days'
),

visit AS (
    SELECT
        response.patient_id,
        response.reader,
        response.day,
        response.run,
        response.is_analysis_reader,
        response.irecist_response,
        CASE
            WHEN
                response.irecist_response IN ('iSD', 'NON-iCR/NON-iUPD') AND response.day < setting.stable_min_days
                THEN 'NE'
            ELSE response.irecist_response
        END AS counted_response
    FROM analysis.irecist_response AS response
    CROSS JOIN setting
    WHERE NOT response.is_after_confirmed_progression
),

best AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.counted_response AS response,
        visit.day
    FROM visit
    INNER JOIN staging.irecist_category AS category ON visit.counted_response = category.response
    QUALIFY row_number() OVER (
        PARTITION BY visit.patient_id, visit.reader ORDER BY category.best_rank, visit.day
    ) = 1
),

course AS (
    SELECT
        patient_id,
        reader,
        bool_or(is_analysis_reader) AS is_analysis_reader,
        count(*) AS n_assessments,
        max(run) AS last_run
    FROM visit
    GROUP BY patient_id, reader
),

run_of_progression AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.run,
        min(visit.day) AS first_day,
        min(visit.day) FILTER (WHERE visit.irecist_response = 'iCPD') AS confirmed_day
    FROM visit
    INNER JOIN course ON visit.patient_id = course.patient_id AND visit.reader = course.reader
    WHERE visit.irecist_response IN ('iUPD', 'iCPD')
    GROUP BY visit.patient_id, visit.reader, visit.run, course.last_run
    HAVING count(*) FILTER (WHERE visit.irecist_response = 'iCPD') > 0 OR visit.run = course.last_run
),

progression AS (
    SELECT
        patient_id,
        reader,
        min_by(first_day, run) AS progression_day,
        min_by(confirmed_day, run) AS confirmed_day,
        min_by(confirmed_day IS NOT NULL, run) AS is_confirmed
    FROM run_of_progression
    GROUP BY patient_id, reader
)

SELECT
    course.patient_id, -- text id of the patient
    course.reader, -- who read the scans; empty text where the source names none
    course.is_analysis_reader, -- the one reader of the patient whose lesions are analysed
    course.n_assessments, -- assessments up to the first confirmed progression
    best.response AS best_overall_response, -- iBOR: iCR, iPR, iSD, NON-iCR/NON-iUPD, iCPD, iUPD or NE
    best.day AS best_overall_response_day, -- first day of that response, from first dose
    progression.progression_day, -- first day of the unconfirmed progression that counts; NULL where none does
    coalesce(progression.is_confirmed, FALSE) AS is_progression_confirmed, -- it was confirmed (iCPD)
    progression.confirmed_day -- day of the iCPD; NULL where there is none
FROM course
INNER JOIN best ON course.patient_id = best.patient_id AND course.reader = best.reader
LEFT JOIN progression ON course.patient_id = progression.patient_id AND course.reader = progression.reader
