/* What is said of a patient and their treatment and cannot be, or not beside the others: plausibility.5 and 6.
   Why: an age of 7, an arm that is blank and a dose that is nowhere change covariates and comparisons without a word.
   How: a kind that more than five patients and more than one in 20 of the study show is the study's way: one finding
   then, with their number.
   Caveats: judged beside the study's other patients, so a study that does so throughout is not named. A record after
   death is one after the last day that any table gives for it.
   Grain: one row per defect found
   Key: finding_id
*/
WITH demographics AS (
    SELECT
        screen.study_id,
        screen.patient_id,
        screen.age,
        screen.sex,
        screen.armcd,
        screen.actarm,
        screen.actarmcd,
        screen.rfendtc,
        screen.rfpendtc,
        screen.source_file,
        screen.source_row,
        subject.age_years,
        subject.arm,
        subject.is_never_treated,
        subject.first_dose_date,
        subject.reference_end_day,
        subject.participation_end_day
    FROM staging.demographics_screen AS screen
    INNER JOIN staging.subject AS subject ON screen.patient_id = subject.patient_id
    WHERE screen.disposition = 'kept'
),

age_tally AS (
    SELECT
        study_id,
        count(*) AS n_patients,
        count(*) FILTER (WHERE age_years < 18) AS n_minors
    FROM demographics
    WHERE age_years IS NOT NULL
    GROUP BY study_id
),

odd_age AS (
    SELECT
        'plausibility.5a' AS defect_id,
        demographics.study_id,
        demographics.patient_id,
        CAST(NULL AS INTEGER) AS day,
        demographics.source_file,
        demographics.source_row,
        'dm' AS domain,
        'age' AS column_name,
        demographics.age AS value,
        printf('An age of %g years', demographics.age_years)
        || CASE
            WHEN demographics.age_years BETWEEN 0 AND 100
                THEN printf(
                    '; %d of the study''s %d patients are 18 or older.',
                    age_tally.n_patients - age_tally.n_minors, age_tally.n_patients
                )
            ELSE '.'
        END AS message
    FROM demographics
    INNER JOIN age_tally ON demographics.study_id = age_tally.study_id
    WHERE
        demographics.age_years < 0
        OR demographics.age_years > 100
        OR (
            demographics.age_years < 18
            AND age_tally.n_patients >= 10
            AND age_tally.n_minors <= greatest(1, age_tally.n_patients / 20)
        )
),

-- Words of DM that became NULL: the number that an age is, the sex that a word means.
unread AS (
    SELECT
        'plausibility.5b' AS defect_id,
        study_id,
        patient_id,
        CAST(NULL AS INTEGER) AS day,
        source_file,
        source_row,
        'dm' AS domain,
        'age' AS column_name,
        age AS value,
        'AGE is no number: taken as not known.' AS message
    FROM demographics
    WHERE known_id(age) NOT IN ('UNK', 'UNKNOWN', 'NK', 'ND') AND finite_number(age) IS NULL
    UNION ALL
    SELECT
        'plausibility.5c' AS defect_id,
        study_id,
        patient_id,
        CAST(NULL AS INTEGER) AS day,
        source_file,
        source_row,
        'dm' AS domain,
        'sex' AS column_name,
        sex AS value,
        'SEX ' || sex || ' is neither M nor F: taken as not known.' AS message
    FROM demographics
    WHERE
        upper(known_id(sex)) NOT IN (
            'M', 'MALE', 'F', 'FEMALE', 'U', 'UNK', 'UNKNOWN', 'NK', 'ND', 'UN', 'UNDIFFERENTIATED', 'INTERSEX',
            'OTHER', 'NOT REPORTED', 'NOT RECORDED'
        )
),

laboratory AS (
    SELECT
        *,
        count(*) OVER same_test AS n_results,
        count(*) FILTER (WHERE value < 0) OVER same_test AS n_negative,
        median(value) FILTER (WHERE value > 0) OVER same_test AS median_value,
        median(log10(value)) FILTER (WHERE value > 0) OVER same_test AS median_log10
    FROM staging.laboratory_result
    WHERE value IS NOT NULL AND test_code IS NOT NULL
    WINDOW same_test AS (PARTITION BY study_id, test_code, unit, specimen_type)
),

-- How far a test's results usually lie from their median, in powers of ten; its robust standard deviation.
laboratory_spread AS (
    SELECT
        study_id,
        test_code,
        unit,
        specimen_type,
        count(DISTINCT patient_id) AS n_patients,
        1.4826 * median(abs(log10(value) - median_log10)) AS sd_log10
    FROM laboratory
    WHERE value > 0
    GROUP BY study_id, test_code, unit, specimen_type
),

odd_result AS (
    SELECT
        CASE WHEN laboratory.value < 0 THEN 'plausibility.5d' ELSE 'plausibility.5e' END AS defect_id,
        laboratory.study_id,
        laboratory.patient_id,
        laboratory.day,
        laboratory.source_file,
        laboratory.source_row,
        'lb' AS domain,
        'lborres' AS column_name,
        laboratory.value_raw AS value,
        printf('%s %g', laboratory.test_code, laboratory.value) || coalesce(' ' || laboratory.unit, '')
        || CASE
            WHEN laboratory.value < 0 THEN ' is negative.'
            ELSE printf('; the median of %d results is %g.', laboratory.n_results, laboratory.median_value)
        END AS message
    FROM laboratory
    LEFT JOIN laboratory_spread AS spread
        ON
            laboratory.study_id = spread.study_id
            AND laboratory.test_code = spread.test_code
            AND laboratory.unit IS NOT DISTINCT FROM spread.unit
            AND laboratory.specimen_type IS NOT DISTINCT FROM spread.specimen_type
    WHERE
        (laboratory.value < 0 AND laboratory.n_negative <= greatest(1, laboratory.n_results / 20))
        OR (
            laboratory.value > 0
            AND spread.n_patients >= 20
            AND abs(log10(laboratory.value) - laboratory.median_log10) >= greatest(log10(50), 6 * spread.sd_log10)
        )
),

covariate_limit AS (
    SELECT
        listed.qualifier,
        listed.what,
        CAST(listed.smallest AS DOUBLE) AS smallest,
        CAST(listed.largest AS DOUBLE) AS largest
    FROM (
        VALUES
        ('LDHRATIO', 'LDH over its upper limit', 0.05, 50),
        ('BMI', 'Body mass index', 8, 100),
        ('BSA', 'Body surface area', 0.15, 4)
    ) AS listed (qualifier, what, smallest, largest)
),

odd_covariate AS (
    SELECT
        'plausibility.5f' AS defect_id,
        subject_key.study_id,
        subject_key.patient_id,
        CAST(NULL AS INTEGER) AS day,
        suppdm._source_file AS source_file,
        suppdm._source_row AS source_row,
        'suppdm' AS domain,
        'qval' AS column_name,
        clean_text(suppdm.qval) AS value,
        printf(
            '%s %g; from %g to %g would be possible.',
            covariate_limit.what, finite_number(suppdm.qval), covariate_limit.smallest, covariate_limit.largest
        ) AS message
    FROM raw.suppdm AS suppdm
    INNER JOIN covariate_limit ON upper(clean_text(suppdm.qnam)) = covariate_limit.qualifier
    INNER JOIN staging.subject_key AS subject_key
        ON suppdm._study_id = subject_key.study_id AND clean_text(suppdm.usubjid) = subject_key.usubjid_raw
    WHERE finite_number(suppdm.qval) NOT BETWEEN covariate_limit.smallest AND covariate_limit.largest
),

dosing AS (
    SELECT
        patient_id,
        count(*) AS n_doses,
        min(start_day) AS first_day
    FROM staging.exposure
    WHERE dose IS NULL OR dose > 0
    GROUP BY patient_id
),

treated AS (
    SELECT
        demographics.*,
        dosing.n_doses,
        dosing.first_day AS first_dose_day,
        dosing.patient_id IS NOT NULL OR demographics.first_dose_date IS NOT NULL AS is_treated
    FROM demographics
    LEFT JOIN dosing ON demographics.patient_id = dosing.patient_id
),

armed_study AS (
    SELECT study_id
    FROM treated
    WHERE is_treated AND NOT is_never_treated
    GROUP BY study_id
    HAVING count(arm) >= count(*) / 2
),

without_arm AS (
    SELECT
        'plausibility.6a' AS defect_id,
        treated.study_id,
        treated.patient_id,
        CAST(NULL AS INTEGER) AS day,
        treated.source_file,
        treated.source_row,
        'dm' AS domain,
        'arm' AS column_name,
        coalesce(treated.actarmcd, treated.armcd) AS value,
        'ARM and ACTARM are blank'
        || CASE
            WHEN treated.n_doses IS NULL THEN ' of a patient with a first dose.'
            ELSE printf(' of a patient with %d rows of doses.', treated.n_doses)
        END AS message
    FROM treated
    INNER JOIN armed_study ON treated.study_id = armed_study.study_id
    WHERE treated.is_treated AND NOT treated.is_never_treated AND treated.arm IS NULL
),

dosed_untreated AS (
    SELECT
        'plausibility.6b' AS defect_id,
        study_id,
        patient_id,
        first_dose_day AS day,
        source_file,
        source_row,
        'dm' AS domain,
        CASE WHEN actarm IS NULL AND actarmcd IS NOT NULL THEN 'actarmcd' ELSE 'actarm' END AS column_name,
        coalesce(actarm, actarmcd, arm, armcd) AS value,
        coalesce(actarm, actarmcd, arm, armcd)
        || printf(' by DM; EX has %d rows of doses', n_doses)
        || CASE WHEN first_dose_day IS NULL THEN '.' ELSE printf(', the first of day %d.', first_dose_day) END
            AS message
    FROM treated
    WHERE is_never_treated AND n_doses > 0
),

arm_dosing AS (
    SELECT
        study_id,
        arm,
        count(*) AS n_patients,
        count(n_doses) AS n_dosed
    FROM treated
    WHERE NOT is_never_treated AND arm IS NOT NULL
    GROUP BY study_id, arm
),

without_dose AS (
    SELECT
        'plausibility.6c' AS defect_id,
        treated.study_id,
        treated.patient_id,
        CAST(NULL AS INTEGER) AS day,
        treated.source_file,
        treated.source_row,
        'dm' AS domain,
        'usubjid' AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        printf(
            'EX has no dose; %d of %d patients of the arm have one.', arm_dosing.n_dosed, arm_dosing.n_patients
        ) AS message
    FROM treated
    INNER JOIN arm_dosing ON treated.study_id = arm_dosing.study_id AND treated.arm = arm_dosing.arm
    WHERE
        NOT treated.is_never_treated
        AND treated.n_doses IS NULL
        AND arm_dosing.n_patients >= 10
        AND arm_dosing.n_dosed >= arm_dosing.n_patients / 2
),

record AS (
    SELECT
        patient_id,
        day,
        'pr' AS domain,
        'prstdtc' AS column_name,
        coalesce(procedure, 'A procedure') AS what,
        source_file,
        source_row
    FROM staging.procedure
    UNION ALL
    SELECT
        patient_id,
        day,
        'cm' AS domain,
        'cmstdtc' AS column_name,
        coalesce(medication, 'A medication') AS what,
        source_file,
        source_row
    FROM staging.medication
    UNION ALL
    SELECT
        patient_id,
        day,
        'lb' AS domain,
        'lbdtc' AS column_name,
        coalesce(test, 'A test') AS what,
        source_file,
        source_row
    FROM staging.laboratory_result
    UNION ALL
    SELECT
        patient_id,
        start_day AS day,
        'ae' AS domain,
        'aestdtc' AS column_name,
        coalesce(event, term, 'An event') AS what,
        source_file,
        source_row
    FROM staging.adverse_event
),

last_death AS (
    SELECT
        patient_id,
        max(day + rounding_days) AS day
    FROM staging.death
    WHERE day IS NOT NULL
    GROUP BY patient_id
    -- A day that was filled in is no day to hold another one against.
    HAVING count(date_flag) = 0
),

after_death AS (
    SELECT
        'plausibility.6d' AS defect_id,
        subject.study_id,
        record.patient_id,
        record.day,
        record.source_file,
        record.source_row,
        record.domain,
        record.column_name,
        CAST(record.day AS VARCHAR) AS value,
        record.what || printf(' on day %d; the patient died on day %d', record.day, last_death.day)
        || CASE count(*) OVER same_table WHEN 1 THEN '' ELSE printf('; %d such rows', count(*) OVER same_table) END
        || '.' AS message
    FROM record
    INNER JOIN last_death ON record.patient_id = last_death.patient_id
    INNER JOIN staging.subject AS subject ON record.patient_id = subject.patient_id
    WHERE record.day > last_death.day
    WINDOW same_table AS (PARTITION BY record.patient_id, record.domain)
    QUALIFY
        row_number() OVER (
            PARTITION BY record.patient_id, record.domain
            ORDER BY record.day, record.source_file, record.source_row, record.what
        ) = 1
),

early_end AS (
    SELECT
        'plausibility.6e' AS defect_id,
        ended.study_id,
        ended.patient_id,
        ended.day,
        ended.source_file,
        ended.source_row,
        'dm' AS domain,
        ended.column_name,
        ended.value,
        upper(ended.column_name) || ' ' || ended.value
        || printf(' is %d days before the first dose (%s).', -ended.day, CAST(ended.first_dose_date AS VARCHAR))
            AS message
    FROM (
        SELECT
            *,
            reference_end_day AS day,
            'rfendtc' AS column_name,
            rfendtc AS value
        FROM demographics
        UNION ALL
        SELECT
            *,
            participation_end_day AS day,
            'rfpendtc' AS column_name,
            rfpendtc AS value
        FROM demographics
    ) AS ended
    WHERE ended.day < 0
),

each_found AS (
    SELECT * FROM odd_age
    UNION ALL
    SELECT * FROM unread
    UNION ALL
    SELECT * FROM odd_result
    UNION ALL
    SELECT * FROM odd_covariate
    UNION ALL
    SELECT * FROM without_arm
    UNION ALL
    SELECT * FROM dosed_untreated
    UNION ALL
    SELECT * FROM without_dose
    UNION ALL
    SELECT * FROM after_death
    UNION ALL
    SELECT * FROM early_end
),

study_size AS (
    SELECT
        study_id,
        count(*) AS n_patients
    FROM staging.subject
    GROUP BY study_id
),

share AS (
    SELECT
        each_found.defect_id,
        each_found.study_id,
        count(DISTINCT each_found.patient_id) AS n_patients,
        count(DISTINCT each_found.patient_id) > greatest(5, min(study_size.n_patients) / 20) AS is_habit
    FROM each_found
    INNER JOIN study_size ON each_found.study_id = study_size.study_id
    GROUP BY each_found.defect_id, each_found.study_id
),

found AS (
    SELECT
        each_found.*,
        share.n_patients,
        share.is_habit
    FROM each_found
    INNER JOIN share ON each_found.defect_id = share.defect_id AND each_found.study_id = share.study_id
    QUALIFY
        NOT share.is_habit
        OR row_number() OVER (
            PARTITION BY each_found.defect_id, each_found.study_id
            ORDER BY each_found.source_file, each_found.source_row, each_found.message
        ) = 1
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, domain, source_file, source_row, patient_id, column_name, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    CASE WHEN NOT is_habit THEN patient_id END AS patient_id, -- text id of the patient; NULL where several are meant
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no lesion's
    CAST(NULL AS VARCHAR) AS reader, -- always NULL: it is no reader's
    CASE WHEN NOT is_habit THEN day END AS day, -- day from first dose; NULL where it has none, or several are meant
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL where it is missing
    message || CASE WHEN is_habit THEN printf(' So, or likewise, of %d patients of the study.', n_patients) ELSE '' END
        AS message -- what is odd about it
FROM found
