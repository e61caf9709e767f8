/* One patient: who, treated how, followed how long, with what outcome.
   Why: every lesion's course is read against its patient's.
   Caveats: patients without lesions stay, with is_analysed false and the reason. A subject that DM does not know
   stays too (is_in_demographics false).
   os: ADTTE where it has OS; else the death of the first source that dates it (DD, DM, DS, SS, AE, in this order);
   else censored at the last contact, where the study says anything of deaths (staging.survival_reporting): else
   there is no overall survival. A patient who died on an unknown day has os_event true and os_days NULL
   (is_death_date_known false). Times before the first dose (patients never treated) count as 0.
   pfs: ADTTE where it has PFS; else the first overall response PD of the analysis reader (of any reader where that
   one gave none), or death if earlier; else censored at the last tumor assessment that was evaluable, day 0 when
   there was none. NULL where neither ADTTE nor RS say anything of progression.
   best_overall_response is the one RS states (analysis reader first); worked-out ones are in analysis.
   Of RS only responses of the trial itself count, by the study's one criterion (staging.study_criterion).
   Treatment: the study's own dictionary, else the drugs named in the arm as treated, else as planned.
   Reference: Zhou et al. 2023, Methods and Table 1.
   Grain: one row per patient_id
   Key: patient_id
   Tags: public
*/
WITH dated_death AS (
    SELECT
        patient_id,
        min_by(day, precedence) AS day,
        min_by(source, precedence) AS source,
        min_by(coalesce(date_flag, ''), precedence) AS date_flag
    FROM staging.death
    WHERE day IS NOT NULL
    GROUP BY patient_id
),

death AS (
    SELECT
        death.patient_id,
        max(dated_death.day) AS death_day,
        nullif(max(dated_death.date_flag), '') AS death_date_flag,
        coalesce(max(dated_death.source), min_by(death.source, death.precedence)) AS death_source,
        max(death.day - death.rounding_days) > min(death.day + death.rounding_days) AS has_conflict
    FROM staging.death AS death
    LEFT JOIN dated_death ON death.patient_id = dated_death.patient_id
    GROUP BY death.patient_id
),

stated_time AS (
    SELECT
        patient_id,
        endpoint,
        time_days,
        is_event
    FROM staging.time_to_event
    WHERE endpoint IN ('OS', 'PFS') AND is_counted
),

overall_response AS (
    SELECT
        response.patient_id,
        min(response.day) FILTER (WHERE response.response = 'PD' AND reader.reader IS NOT NULL) AS reader_pd_day,
        min(response.day) FILTER (WHERE response.response = 'PD') AS any_pd_day,
        count(*) FILTER (WHERE reader.reader IS NOT NULL) AS n_by_reader,
        max(response.day) FILTER (WHERE response.is_evaluable AND reader.reader IS NOT NULL) AS reader_last_day,
        max(response.day) FILTER (WHERE response.is_evaluable) AS any_last_day
    FROM staging.disease_response AS response
    LEFT JOIN staging.analysis_reader AS reader
        ON response.patient_id = reader.patient_id AND response.reader = reader.reader
    WHERE response.test_code = 'OVRLRESP' AND response.word_use <> 'unknown' AND response.is_analysis_response
    GROUP BY response.patient_id
),

scanned AS (
    SELECT
        lesion.patient_id,
        max(scan.day) AS last_day
    FROM (
        SELECT
            lesion_id,
            day
        FROM core.measurement
        UNION ALL
        SELECT
            lesion_id,
            day
        FROM core.lesion_assessment
        WHERE status <> 'NE'
    ) AS scan
    INNER JOIN core.lesion_status AS lesion ON scan.lesion_id = lesion.lesion_id
    WHERE lesion.is_analysis_reader AND lesion.patient_id IS NOT NULL
    GROUP BY lesion.patient_id
),

best_response AS (
    SELECT
        response.patient_id,
        response.response,
        row_number() OVER (
            PARTITION BY response.patient_id
            ORDER BY
                reader.reader IS NULL, response.is_accepted DESC, response.reader ASC, response.source_file ASC,
                response.source_row ASC, response.rs_row ASC
        ) AS place
    FROM staging.disease_response AS response
    LEFT JOIN staging.analysis_reader AS reader
        ON response.patient_id = reader.patient_id AND response.reader = reader.reader
    WHERE response.test_code = 'BESTRESP' AND response.response IS NOT NULL AND response.is_analysis_response
),

lesion_tally AS (
    SELECT
        patient_id,
        count(*) FILTER (WHERE is_analysis_reader) AS n_lesions,
        count(*) FILTER (WHERE is_analysis_reader AND lesion_type = 'target') AS n_target_lesions
    FROM core.lesion_status
    WHERE patient_id IS NOT NULL
    GROUP BY patient_id
),

gathered AS (
    SELECT
        subject.patient_id,
        subject.study_id,
        subject.usubjid,
        subject.arm,
        subject.study_id || '/' || subject.siteid AS site_id,
        subject.age_years,
        subject.sex,
        subject.race,
        subject.is_in_demographics,
        subject.is_screen_failure,
        subject.is_never_treated,
        subject.first_dose_date,
        subject.source_file,
        subject.source_row,
        treatment_arm.treatment,
        treatment_arm.treatment_class,
        treatment_arm.backbone,
        treatment_arm.has_bevacizumab,
        treatment_arm.has_panitumumab,
        characteristic.bmi_kg_m2,
        characteristic.bsa_m2,
        characteristic.ecog,
        characteristic.ldh_ratio,
        characteristic.kras_status,
        coalesce(characteristic.primary_site, study.primary_site) AS primary_site,
        coalesce(characteristic.line_of_therapy, study.line_of_therapy) AS line_of_therapy,
        characteristic.prior_surgery,
        characteristic.prior_surgery_primary,
        characteristic.prior_surgery_liver,
        characteristic.prior_surgery_lung,
        characteristic.prior_surgery_ln,
        characteristic.prior_radiation,
        characteristic.prior_adjuvant,
        reader.reader AS analysis_reader,
        reader.chosen_by AS analysis_reader_chosen_by,
        best_response.response AS best_overall_response,
        death.patient_id IS NOT NULL AS is_dead,
        death.death_day,
        death.death_source,
        death.death_date_flag,
        coalesce(death.has_conflict, FALSE) AS has_death_conflict,
        last_contact.last_contact_day,
        last_contact.last_contact_source,
        survival_reporting.study_id IS NOT NULL AS is_survival_reported,
        stated_os.time_days AS stated_os_days,
        stated_os.is_event AS stated_os_event,
        stated_pfs.time_days AS stated_pfs_days,
        stated_pfs.is_event AS stated_pfs_event,
        overall_response.patient_id IS NOT NULL AS has_overall_response,
        CASE
            WHEN overall_response.n_by_reader > 0 THEN overall_response.reader_pd_day
            ELSE overall_response.any_pd_day
        END
            AS progression_day,
        greatest(
            CASE
                WHEN overall_response.n_by_reader > 0 THEN overall_response.reader_last_day
                ELSE overall_response.any_last_day
            END,
            scanned.last_day
        ) AS last_assessment_day,
        coalesce(lesion_tally.n_lesions, 0) AS n_lesions,
        coalesce(lesion_tally.n_target_lesions, 0) AS n_target_lesions,
        exclusion.reason AS exclusion_reason
    FROM staging.subject AS subject
    INNER JOIN raw.study AS study ON subject.study_id = study.study_id
    LEFT JOIN staging.treatment_arm AS treatment_arm
        ON subject.study_id = treatment_arm.study_id AND subject.arm = treatment_arm.arm
    LEFT JOIN staging.subject_characteristic AS characteristic ON subject.patient_id = characteristic.patient_id
    LEFT JOIN staging.analysis_reader AS reader ON subject.patient_id = reader.patient_id
    LEFT JOIN best_response ON subject.patient_id = best_response.patient_id AND best_response.place = 1
    LEFT JOIN death ON subject.patient_id = death.patient_id
    LEFT JOIN staging.last_contact AS last_contact ON subject.patient_id = last_contact.patient_id
    LEFT JOIN staging.survival_reporting AS survival_reporting ON subject.study_id = survival_reporting.study_id
    LEFT JOIN stated_time AS stated_os
        ON subject.patient_id = stated_os.patient_id AND stated_os.endpoint = 'OS'
    LEFT JOIN stated_time AS stated_pfs
        ON subject.patient_id = stated_pfs.patient_id AND stated_pfs.endpoint = 'PFS'
    LEFT JOIN overall_response ON subject.patient_id = overall_response.patient_id
    LEFT JOIN scanned ON subject.patient_id = scanned.patient_id
    LEFT JOIN lesion_tally ON subject.patient_id = lesion_tally.patient_id
    LEFT JOIN core.exclusion AS exclusion
        ON subject.patient_id = exclusion.patient_id AND exclusion.level = 'patient'
),

outcome AS (
    SELECT
        gathered.*,
        CASE
            WHEN stated_os_days IS NOT NULL THEN stated_os_event
            WHEN is_dead THEN TRUE
            WHEN is_survival_reported AND last_contact_day IS NOT NULL THEN FALSE
        END AS os_event,
        CASE
            WHEN stated_os_days IS NOT NULL THEN stated_os_days
            WHEN is_dead THEN CAST(CASE WHEN death_day < 0 THEN 0 ELSE death_day END AS DOUBLE)
            WHEN is_survival_reported
                THEN CAST(CASE WHEN last_contact_day < 0 THEN 0 ELSE last_contact_day END AS DOUBLE)
        END AS os_days,
        CASE
            WHEN stated_os_days IS NOT NULL THEN 'adtte'
            WHEN is_dead THEN death_source
            WHEN is_survival_reported AND last_contact_day IS NOT NULL THEN 'last_contact'
        END AS os_source,
        CASE
            WHEN stated_os_days IS NOT NULL THEN NULL
            WHEN is_dead AND death_day IS NULL THEN 'died on an unknown day'
            WHEN is_dead THEN NULL
            WHEN NOT is_survival_reported THEN 'the study says nothing of deaths'
            WHEN last_contact_day IS NULL THEN 'neither a death nor a last contact is known'
        END AS os_missing_reason,
        CASE
            WHEN stated_pfs_days IS NOT NULL THEN stated_pfs_event
            WHEN has_overall_response THEN progression_day IS NOT NULL OR death_day IS NOT NULL
        END AS pfs_event,
        CASE
            WHEN stated_pfs_days IS NOT NULL THEN stated_pfs_days
            WHEN NOT has_overall_response THEN NULL
            WHEN progression_day IS NOT NULL OR death_day IS NOT NULL
                THEN CAST(greatest(least(progression_day, death_day), 0) AS DOUBLE)
            ELSE CAST(greatest(coalesce(last_assessment_day, 0), 0) AS DOUBLE)
        END AS pfs_days,
        CASE
            WHEN stated_pfs_days IS NOT NULL THEN 'adtte'
            WHEN NOT has_overall_response THEN NULL
            WHEN progression_day <= coalesce(death_day, progression_day) THEN 'rs'
            WHEN death_day IS NOT NULL THEN death_source
            ELSE 'last_assessment'
        END AS pfs_source
    FROM gathered
)

SELECT
    patient_id, -- text id of the patient: study/subject
    study_id, -- text id of the study
    usubjid, -- subject's id in the study
    arm, -- arm as treated, else as planned
    site_id, -- trial site: study/site; NULL when the source names none
    treatment, -- treatment, antibodies first
    treatment_class, -- chemotherapy, antibody plus chemotherapy, antibody or other
    age_years, -- age, years
    sex, -- M or F
    race, -- self-reported race, upper case
    bmi_kg_m2, -- body mass index, kg/m2
    bsa_m2, -- body surface area, m2
    ecog, -- ECOG performance status
    ldh_ratio, -- lactate dehydrogenase over its upper limit of normal
    kras_status, -- wild-type or mutant; NULL when not known
    primary_site, -- primary tumor site
    line_of_therapy, -- line of therapy
    prior_surgery, -- had surgery before
    prior_surgery_primary, -- had the primary tumor resected before
    prior_surgery_liver, -- had liver metastases resected before
    prior_surgery_lung, -- had lung metastases resected before
    prior_surgery_ln, -- had lymph node metastases resected before
    prior_radiation, -- had radiation before
    prior_adjuvant, -- had adjuvant treatment before
    coalesce(has_bevacizumab, FALSE) AS has_bevacizumab, -- treatment includes bevacizumab
    coalesce(has_panitumumab, FALSE) AS has_panitumumab, -- treatment includes panitumumab
    backbone, -- chemotherapy that the treatment is built on
    best_overall_response, -- as RS states it: CR, PR, SD, NON-CR/NON-PD, PD or NE; NULL when it does not
    analysis_reader, -- the reader whose lesions are analysed; '' where the source names none
    analysis_reader_chosen_by, -- how: only_reader, study_order, accepted_record or most_results
    greatest(last_contact_day, death_day) AS last_day, -- last day that anything is known, from first dose
    last_contact_day, -- last day known alive, from first dose
    last_contact_source, -- table that says so: ss, adtte, rs, tr, tu, ex, lb, pr, ds or dm
    is_dead, -- some source says that the patient died
    death_day, -- day of death, from first dose
    death_source, -- the source that is believed: adtte, dd, dm, ds, ss or ae
    death_date_flag, -- imputed part of the date of death, as ADaM's DTF: D day, M month and day; NULL where none is
    is_dead AND death_day IS NOT NULL AS is_death_date_known, -- the patient died and the day is known
    has_death_conflict, -- sources disagree on the day of death, by more than the rounding of months explains
    os_days, -- overall survival, days from first dose; NULL when not known
    os_event, -- the patient died; else censored
    os_source, -- where it comes from: adtte, the source of the death, or last_contact
    os_missing_reason, -- why there is no time of overall survival; NULL where there is one
    pfs_days, -- progression-free survival, days from first dose; NULL when not known
    pfs_event, -- progressed or died; else censored
    pfs_source, -- where it comes from: adtte, rs, the source of the death, or last_assessment
    CAST(n_lesions AS INTEGER) AS n_lesions, -- lesions of the analysis reader
    CAST(n_target_lesions AS INTEGER) AS n_target_lesions, -- target lesions of the analysis reader
    first_dose_date, -- calendar date of day 0; NULL when the source has no dates
    is_in_demographics, -- DM has the subject
    is_screen_failure, -- never entered the trial
    is_never_treated, -- had no treatment of the trial
    exclusion_reason IS NULL AS is_analysed, -- used in analyses of lesions
    exclusion_reason, -- why not, as a sentence; NULL when analysed
    source_file, -- file of the DM row; NULL when DM does not have the subject
    source_row -- row in the file
FROM outcome
