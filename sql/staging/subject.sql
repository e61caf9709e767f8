/* One subject of a study, with the dates that its days count from.
   Why: the one list of patients. Whoever is named in any table is here, also when DM does not know them.
   Caveats: day 0 is the first dose, RFXSTDTC, else the reference start RFSTDTC. Where both are known and differ, SDTM
   study days (which count from RFSTDTC) are moved by reference_shift_days.
   Grain: one row per study_id and usubjid
   Key: patient_id
*/
WITH named AS (
    SELECT DISTINCT
        study_id,
        usubjid,
        patient_id
    FROM staging.subject_key
),

demographics AS (
    SELECT
        patient_id,
        subjid,
        rfstdtc,
        rfxstdtc,
        rfendtc,
        rfpendtc,
        dthdtc,
        dthfl,
        dthdy,
        siteid,
        age,
        ageu,
        sex,
        race,
        ethnic,
        arm,
        actarm,
        armcd,
        actarmcd,
        country,
        source_file,
        source_row,
        full_date(rfstdtc) AS reference_start_date,
        full_date(rfxstdtc) AS first_exposure_date
    FROM staging.demographics_screen
    WHERE disposition = 'kept'
),

typed AS (
    SELECT
        named.study_id,
        named.usubjid,
        named.patient_id,
        demographics.subjid,
        demographics.patient_id IS NOT NULL AS is_in_demographics,
        coalesce(demographics.first_exposure_date, demographics.reference_start_date) AS first_dose_date,
        coalesce(
            CAST(date_diff('day', demographics.reference_start_date, demographics.first_exposure_date) AS INTEGER), 0
        ) AS reference_shift_days,
        study.day_convention,
        finite_number(demographics.age)
        * CASE
            WHEN upper(demographics.ageu) LIKE 'MONTH%' THEN 30.4375 / 365.25
            WHEN upper(demographics.ageu) LIKE 'WEEK%' THEN 7 / 365.25
            WHEN upper(demographics.ageu) LIKE 'DAY%' THEN 1 / 365.25
            ELSE 1
        END AS age_years,
        CASE
            WHEN upper(demographics.sex) IN ('M', 'MALE') THEN 'M'
            WHEN upper(demographics.sex) IN ('F', 'FEMALE') THEN 'F'
        END AS sex,
        CASE
            WHEN upper(demographics.race) IN ('WHITE', 'CAUCASIAN', 'WHITE OR CAUCASIAN', 'WHITE/CAUCASIAN')
                THEN 'WHITE'
            WHEN upper(demographics.race) IN ('BLACK', 'BLACK OR AFRICAN AMERICAN', 'BLACK/AFRICAN AMERICAN')
                THEN 'BLACK OR AFRICAN AMERICAN'
            ELSE upper(demographics.race)
        END AS race,
        demographics.ethnic,
        demographics.siteid,
        demographics.country,
        demographics.arm AS planned_arm,
        demographics.actarm AS actual_arm,
        coalesce(demographics.actarm, demographics.arm) AS arm,
        regexp_matches(
            upper(coalesce(demographics.armcd, '') || ' ' || coalesce(demographics.arm, '')), 'SCRNFAIL|SCREEN FAIL'
        ) AS is_screen_failure,
        upper(coalesce(demographics.actarm, demographics.actarmcd, ''))
        IN ('NOT TREATED', 'NOTTRT', 'NOT ASSIGNED', 'NOTASSGN', 'SCREEN FAILURE', 'SCRNFAIL') AS is_never_treated,
        upper(coalesce(demographics.dthfl, '')) IN ('Y', 'YES', '1', 'TRUE') AS has_death_flag,
        upper(coalesce(demographics.dthfl, '')) IN ('N', 'NO', '0', 'FALSE') AS is_death_denied,
        demographics.dthdtc,
        demographics.dthdy,
        demographics.rfendtc,
        demographics.rfpendtc,
        demographics.source_file,
        demographics.source_row
    FROM named
    LEFT JOIN demographics ON named.patient_id = demographics.patient_id
    LEFT JOIN raw.study AS study ON named.study_id = study.study_id
)

SELECT
    study_id, -- text id of the study
    usubjid, -- subject's id
    patient_id, -- text id of the patient
    subjid, -- subject's id within the study
    is_in_demographics, -- DM has the subject
    first_dose_date, -- day 0: first exposure, else reference start; NULL when neither is a full date
    reference_shift_days, -- days from the reference start that SDTM days count from to the first dose
    day_convention, -- sdtm (no day 0) or zero_based
    age_years, -- age, years
    sex, -- M or F; NULL when anything else
    race, -- race, upper case
    ethnic, -- ethnicity
    siteid, -- trial site
    country, -- country
    planned_arm, -- arm as planned
    actual_arm, -- arm as treated
    arm, -- arm as treated, else as planned
    is_screen_failure, -- never entered the trial
    coalesce(is_screen_failure, FALSE) OR is_never_treated AS is_never_treated, -- had no treatment of the trial
    has_death_flag, -- DM says that the subject died
    is_death_denied, -- DM says that the subject did not die
    day_from_first_dose(
        dthdy, dthdtc, first_dose_date, day_convention, reference_shift_days
    ) AS death_day, -- day of death that DM states, from first dose
    dthdtc AS death_date_text, -- date of death in DM as written
    CAST(date_diff('day', first_dose_date, full_date(rfendtc)) AS INTEGER) AS reference_end_day, -- day of RFENDTC
    CAST(date_diff('day', first_dose_date, full_date(rfpendtc)) AS INTEGER) AS participation_end_day, -- day of RFPENDTC
    source_file, -- file of the DM row; NULL when DM does not have the subject
    source_row -- row in the file
FROM typed
