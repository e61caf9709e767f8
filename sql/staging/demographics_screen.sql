/* Every row of DM with the verdict on it.
   Why: a subject has one row in DM; what else stands there is quarantined by a stated reason, not by accident.
   Caveats: of two rows of one subject the first in the file counts; an identical repeat is collapsed, a different one
   goes to quality.quarantine.
   Grain: one row per raw.dm row
   Key: dm_row
*/
WITH dm AS (
    SELECT
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        row_number() OVER () AS dm_row,
        clean_text(usubjid) AS usubjid_raw,
        clean_text(subjid) AS subjid,
        clean_text(rfstdtc) AS rfstdtc,
        clean_text(rfendtc) AS rfendtc,
        clean_text(rfxstdtc) AS rfxstdtc,
        clean_text(rfxendtc) AS rfxendtc,
        clean_text(rfpendtc) AS rfpendtc,
        clean_text(dthdtc) AS dthdtc,
        clean_text(dthfl) AS dthfl,
        clean_text(dthdy) AS dthdy,
        clean_text(siteid) AS siteid,
        clean_text(age) AS age,
        clean_text(ageu) AS ageu,
        clean_text(sex) AS sex,
        clean_text(race) AS race,
        clean_text(ethnic) AS ethnic,
        clean_text(arm) AS arm,
        clean_text(actarm) AS actarm,
        clean_text(armcd) AS armcd,
        clean_text(actarmcd) AS actarmcd,
        clean_text(country) AS country
    FROM raw.dm
),

keyed AS (
    SELECT
        dm.*,
        subject_key.usubjid,
        subject_key.patient_id,
        md5(concat_ws(
            chr(31), coalesce(dm.rfstdtc, '?'), coalesce(dm.rfendtc, '?'), coalesce(dm.rfxstdtc, '?'),
            coalesce(dm.rfxendtc, '?'), coalesce(dm.rfpendtc, '?'), coalesce(dm.dthdtc, '?'), coalesce(dm.dthfl, '?'),
            coalesce(dm.dthdy, '?'), coalesce(dm.siteid, '?'), coalesce(dm.age, '?'), coalesce(dm.ageu, '?'),
            coalesce(dm.sex, '?'), coalesce(dm.race, '?'), coalesce(dm.ethnic, '?'), coalesce(dm.arm, '?'),
            coalesce(dm.actarm, '?'), coalesce(dm.armcd, '?'), coalesce(dm.actarmcd, '?'), coalesce(dm.country, '?')
        )) AS content
    FROM dm
    LEFT JOIN staging.subject_key AS subject_key
        ON dm.study_id = subject_key.study_id AND dm.usubjid_raw = subject_key.usubjid_raw
),

ranked AS (
    SELECT
        keyed.*,
        row_number() OVER subject AS place,
        first_value(keyed.content) OVER subject AS first_content
    FROM keyed
    WINDOW
        subject AS (
            PARTITION BY keyed.study_id, keyed.usubjid ORDER BY keyed.source_file, keyed.source_row, keyed.dm_row
        )
),

judged AS (
    SELECT
        ranked.*,
        CASE
            WHEN ranked.usubjid IS NULL THEN 'no_subject'
            WHEN ranked.place > 1 AND ranked.content = ranked.first_content THEN 'exact_duplicate'
            WHEN ranked.place > 1 THEN 'subject_twice'
            ELSE 'kept'
        END AS reason_id
    FROM ranked
)

SELECT
    dm_row, -- position of the row in raw.dm
    study_id, -- text id of the study
    usubjid_raw, -- subject's id as DM writes it
    usubjid, -- subject's id in this warehouse
    patient_id, -- text id of the patient
    subjid, -- subject's id within the study
    rfstdtc, -- subject reference start date, SDTM's day 1, as text
    rfendtc, -- subject reference end date, as text
    rfxstdtc, -- date of first exposure, as text
    rfxendtc, -- date of last exposure, as text
    rfpendtc, -- date of end of participation, as text
    dthdtc, -- date of death, as text
    dthfl, -- subject death flag, as text
    dthdy, -- study day of death, as text
    siteid, -- trial site
    age, -- age, as text
    ageu, -- unit of age
    sex, -- sex, as text
    race, -- race, as text
    ethnic, -- ethnicity, as text
    arm, -- planned arm
    actarm, -- actual arm
    armcd, -- code of the planned arm
    actarmcd, -- code of the actual arm
    country, -- country
    CASE
        WHEN reason_id = 'kept' THEN 'kept'
        WHEN reason_id = 'exact_duplicate' THEN 'collapsed'
        ELSE 'quarantined'
    END AS disposition, -- kept, collapsed or quarantined
    reason_id, -- why, as a word; 'kept' when kept
    source_file, -- file of the row
    source_row -- row in the file
FROM judged
