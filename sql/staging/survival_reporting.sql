/* A study whose tables can tell who died, and the table that says so.
   Why: where nothing is said of deaths, "alive at the last scan" is no observation: such patients have no overall
   survival, and pooled with others they would make its median longer.
   The tables: ADTTE with OS; any death of staging.death; SS; DM with a flag of death, yes or no; DS with disposition
   events (a death would be one of them), protocol milestones such as RANDOMIZED aside.
   Caveats: adverse events alone say nothing of who lived: they end soon after treatment. A death among them does.
   Grain: one row per study_id
   Key: study_id
*/
WITH said AS (
    SELECT
        study_id,
        'adtte' AS source,
        1 AS place
    FROM staging.time_to_event
    WHERE endpoint = 'OS' AND time_days IS NOT NULL
    UNION ALL
    SELECT
        study_id,
        'ss' AS source,
        2 AS place
    FROM staging.survival_status
    UNION ALL
    SELECT
        study_id,
        'dm' AS source,
        3 AS place
    FROM staging.subject
    WHERE has_death_flag OR is_death_denied
    UNION ALL
    SELECT
        study_id,
        'ds' AS source,
        4 AS place
    FROM staging.disposition
    WHERE upper(coalesce(category, '')) <> 'PROTOCOL MILESTONE'
    UNION ALL
    SELECT
        subject.study_id,
        death.source,
        5 AS place
    FROM staging.death AS death
    INNER JOIN staging.subject AS subject ON death.patient_id = subject.patient_id
)

SELECT
    study_id, -- text id of the study
    min_by(source, (place, source)) AS source -- adtte, ss, dm, ds, dd or ae: the first table that tells of deaths
FROM said
GROUP BY study_id
