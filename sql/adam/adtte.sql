/* Time-to-event analysis dataset (ADaM ADTTE, BDS): endpoints of patients, and times to response and progression of
   each organ and lesion.
   Why: every survival analysis starts from one row per subject and parameter.
   How: parameters are the endpoints of staging.endpoint (OS, PFS, TTP, TTR, DOR, DOSD, PPS, TTNT), PG + organ and RS +
   organ (progression and response of an organ's first lesion), LPROGn and LRESPn (of lesion n). AVAL counts as ADaM
   does: the day on which the time starts is day 1, so AVAL = ADT - STARTDT + 1. CNSR is 0 for an event and 1 for
   censoring; EVNTDESC names the event or why it was censored, CNSDTDSC the day on which; RULEID is the rule that
   decided.
   Traceability: to the record that the day comes from. Times that the source's ADTTE states lead to its file and row.
   Caveats: a time in months that the source states is no whole number of days and has no ADT. Patients without a time
   have no row; analysis.patient_endpoint says why. Lesions and organs are those of the analysis reader, under the rule
   set that lesions.toml selects, as observed.
   Reference: CDISC, ADaM Basic Data Structure for Time-to-Event Analyses 1.0.
   Grain: one row per patient_id and paramcd
   Key: patient_id, paramcd
   Tags: view, dataset
*/
WITH of_patient AS (
    SELECT
        endpoint.patient_id,
        endpoint.endpoint AS paramcd,
        title.title || ' (days)' AS param,
        title.sort_order AS paramn,
        'Patient' AS parcat1,
        endpoint.start_day,
        endpoint.time_days,
        endpoint.is_event,
        CASE
            WHEN endpoint.is_event
                THEN
                    CASE rule.at_day
                        WHEN 'death' THEN 'Death'
                        WHEN 'progression' THEN 'Progression'
                        WHEN 'response' THEN 'Response'
                        WHEN 'subsequent_therapy' THEN 'Next anticancer therapy'
                        WHEN 'last_contact' THEN 'Death'
                        ELSE 'Event as stated by the source'
                    END
            ELSE 'Censored: ' || replace(split_part(endpoint.rule_id, '/', 2), '_', ' ')
        END AS description,
        rule.at_day,
        endpoint.rule_id,
        endpoint.source_table,
        endpoint.source_file,
        endpoint.source_row,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS organ
    FROM analysis.patient_endpoint AS endpoint
    INNER JOIN staging.endpoint AS title ON endpoint.endpoint = title.endpoint
    INNER JOIN staging.endpoint_rule AS rule ON endpoint.rule_id = rule.rule_id
    WHERE endpoint.is_counted AND endpoint.time_days IS NOT NULL
),

-- Events of a patient's organs and of single lesions, with the code and the words of each.
event AS (
    SELECT
        event.patient_id,
        event.endpoint,
        event.rule_set,
        event.source,
        event.time_days,
        event.is_event,
        event.censor_reason,
        event.rule_id,
        event.source_table,
        event.source_file,
        event.source_row,
        event.lesion_id,
        event.organ,
        'Organ' AS parcat1,
        ['PG', 'RS', upper(substr(replace(event.organ, '_', ''), 1, 6))] AS code,
        organ.display_name AS words,
        [100, 200, organ.sort_order] AS place,
        ' of a lesion' AS of_what
    FROM analysis.organ_event AS event
    INNER JOIN core.organ AS organ ON event.organ = organ.organ
    UNION ALL
    SELECT
        event.patient_id,
        event.endpoint,
        event.rule_set,
        event.source,
        event.time_days,
        event.is_event,
        event.censor_reason,
        event.rule_id,
        event.source_table,
        event.source_file,
        event.source_row,
        event.lesion_id,
        event.organ,
        'Lesion' AS parcat1,
        ['LPROG', 'LRESP', CAST(lesion.lesion_number AS VARCHAR)] AS code,
        'Lesion ' || lesion.lesion_number AS words,
        [1000, 2000, lesion.lesion_number] AS place,
        ' of the lesion' AS of_what
    FROM analysis.lesion_event AS event
    INNER JOIN core.lesion AS lesion ON event.lesion_id = lesion.lesion_id
    WHERE event.patient_id IS NOT NULL AND lesion.is_analysed
),

of_part AS (
    SELECT
        event.patient_id,
        CASE event.endpoint WHEN 'progression' THEN event.code[1] ELSE event.code[2] END || event.code[3] AS paramcd,
        'Time to ' || upper(event.endpoint[1]) || event.endpoint[2:] || ': ' || event.words || ' (days)' AS param,
        CASE event.endpoint WHEN 'progression' THEN event.place[1] ELSE event.place[2] END + event.place[3] AS paramn,
        event.parcat1,
        0 AS start_day,
        event.time_days,
        event.is_event,
        CASE
            WHEN event.is_event THEN upper(event.endpoint[1]) || event.endpoint[2:] || event.of_what
            ELSE 'Censored: ' || replace(event.censor_reason, '_', ' ')
        END AS description,
        CAST(NULL AS VARCHAR) AS at_day,
        event.rule_id,
        event.source_table,
        event.source_file,
        event.source_row,
        event.lesion_id,
        event.organ
    FROM event
    INNER JOIN meta.setting AS setting ON setting.name = 'rules.rule_set' AND event.rule_set = setting.value
    WHERE event.source = 'observed' AND event.time_days IS NOT NULL
),

record AS (
    SELECT * FROM of_patient
    UNION ALL
    SELECT * FROM of_part
),

therapy AS (
    SELECT
        patient_id,
        source_file,
        source_row,
        min(source) AS source
    FROM core.subsequent_therapy
    GROUP BY patient_id, source_file, source_row
),

course AS (
    SELECT
        patient_id,
        source_file,
        source_row,
        min(CASE basis WHEN 'stated' THEN 'rs' ELSE 'tr' END) AS domain
    FROM analysis.response_course
    GROUP BY patient_id, source_file, source_row
),

sourced AS (
    SELECT
        record.*,
        CASE
            WHEN record.source_table = 'staging.time_to_event' THEN 'adtte'
            WHEN record.source_table = 'staging.death' THEN lower(subject.dthdom)
            WHEN record.source_table = 'core.patient' THEN 'adsl'
            WHEN record.source_table = 'core.subsequent_therapy' THEN therapy.source
            WHEN record.source_table IN ('core.measurement', 'core.lesion_assessment') THEN 'tr'
            WHEN record.source_table = 'core.lesion' THEN 'tu'
            WHEN record.source_table = 'analysis.response_course' THEN course.domain
        END AS domain,
        subject.study_id,
        subject.studyid,
        subject.usubjid,
        subject.trt01p,
        subject.trt01a,
        patient.first_dose_date
    FROM record
    INNER JOIN adam.adsl AS subject ON record.patient_id = subject.patient_id
    INNER JOIN core.patient AS patient ON record.patient_id = patient.patient_id
    LEFT JOIN therapy
        ON
            record.patient_id = therapy.patient_id
            AND record.source_file = therapy.source_file
            AND record.source_row = therapy.source_row
    LEFT JOIN course
        ON
            record.patient_id = course.patient_id
            AND record.source_file = course.source_file
            AND record.source_row = course.source_row
),

dated AS (
    SELECT
        *,
        CASE
            WHEN time_days = round(time_days) AND start_day = round(start_day)
                THEN CAST(start_day + time_days AS INTEGER)
        END AS end_day
    FROM sourced
)

SELECT
    dated.patient_id, -- text id of the patient in the warehouse
    dated.study_id, -- text id of the study in the warehouse
    dated.lesion_id, -- text id of the lesion in the warehouse
    dated.studyid, -- Study Identifier; ADSL.STUDYID
    dated.usubjid, -- Unique Subject Identifier; ADSL.USUBJID
    CAST(row_number() OVER (PARTITION BY dated.patient_id ORDER BY dated.paramn) AS INTEGER)
        AS aseq, -- Analysis Sequence Number; within the subject
    dated.trt01p AS trtp, -- Planned Treatment; ADSL.TRT01P
    dated.trt01a AS trta, -- Actual Treatment; ADSL.TRT01A
    dated.param, -- Parameter; with its unit
    dated.paramcd, -- Parameter Code; an endpoint, PG or RS and an organ, LPROG or LRESP and a lesion's number
    CAST(dated.paramn AS DOUBLE) AS paramn, -- Parameter (N); order of the parameters
    dated.parcat1, -- Parameter Category 1; Patient, Organ or Lesion
    CAST(dated.first_dose_date + CAST(dated.start_day AS INTEGER) AS DATE)
        AS startdt, -- Time-to-Event Origin Date for Subject; first dose, first response or progression
    CAST(dated.first_dose_date + dated.end_day AS DATE) AS adt, -- Analysis Date; of the event or of censoring
    analysis_day(dated.end_day) AS ady, -- Analysis Relative Day; of ADT; the first dose is day 1
    CAST(dated.time_days AS DOUBLE) + 1 AS aval, -- Analysis Value; days, ADT - STARTDT + 1
    CAST(CASE WHEN dated.is_event THEN 0 ELSE 1 END AS DOUBLE) AS cnsr, -- Censor; 0 event, 1 censored
    dated.description AS evntdesc, -- Event or Censoring Description; the event, or the rule that censored
    CASE
        WHEN dated.is_event THEN NULL
        WHEN dated.at_day = 'stated' THEN 'As stated by the source'
        WHEN dated.at_day IS NOT NULL THEN upper(dated.at_day[1]) || replace(dated.at_day[2:], '_', ' ')
        ELSE 'Last day of observation'
    END AS cnsdtdsc, -- Censor Date Description; the day on which the time was censored
    dated.rule_id AS ruleid, -- Rule That Decided; of staging.endpoint_rule or staging.event_rule
    lesion.lesion_label AS lnkid, -- Link ID; the source's label of the lesion that sets the time
    dated.organ AS lesorg, -- Organ of the Lesion; of organ and lesion times
    upper(CASE WHEN dated.source_file IS NOT NULL THEN dated.domain END)
        AS srcdom, -- Source Data; domain of the record that the day comes from
    CASE CASE WHEN dated.source_file IS NOT NULL THEN dated.domain END
        WHEN 'adtte' THEN 'ADT'
        WHEN 'adsl' THEN CASE dated.at_day WHEN 'last_contact' THEN 'LSTALVDT' ELSE 'TRTSDT' END
        WHEN 'dm' THEN 'DTHDTC'
        WHEN 'ae' THEN 'AEENDTC'
        WHEN 'ds' THEN 'DSSTDTC'
        WHEN 'ex' THEN 'EXSTDTC'
        WHEN 'cm' THEN 'CMSTDTC'
        WHEN 'pr' THEN 'PRSTDTC'
        WHEN 'dd' THEN 'DDDTC'
        WHEN 'ss' THEN 'SSDTC'
        WHEN 'tu' THEN 'TUDTC'
        WHEN 'rs' THEN 'RSDTC'
        WHEN 'tr' THEN 'TRDTC'
    END AS srcvar, -- Source Variable; that the day comes from
    source.sequence_number AS srcseq, -- Source Sequence Number; --SEQ of that record
    dated.source_file AS srcfile, -- Source File; file of that record
    CAST(dated.source_row AS DOUBLE) AS srcrow -- Source Row in the File; row of that record
FROM dated
LEFT JOIN core.lesion AS lesion ON dated.lesion_id = lesion.lesion_id
LEFT JOIN staging.source_sequence AS source
    ON
        dated.domain = source.domain
        AND dated.study_id = source.study_id
        AND dated.source_file = source.source_file
        AND dated.source_row = source.source_row
