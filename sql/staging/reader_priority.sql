/* A reader of a study and the place that the study's own order gives it.
   Why: study.yml names readers as they sign, or by their role: "INDEPENDENT ASSESSOR" means every reader of that role
   (INDEPENDENT ASSESSOR / RADIOLOGIST 1 and 2).
   How: a name of raw.study_reader stands for the reader that is called so; else for those whose role (--EVAL), or
   which of them it is (--EVALID), is called so. A reader whom the study names in full has that place, whatever place
   its role has.
   Caveats: readers whom the order does not name are not here. Upper and lower case, and blanks about the slash, make
   no difference.
   Grain: one row per study_id and reader
   Key: study_id, reader
*/
WITH named AS (
    SELECT
        study_id,
        regexp_replace(upper(trim(reader)), '\s*/\s*', ' / ', 'g') AS name,
        priority
    FROM raw.study_reader
),

reader AS (
    SELECT
        study_id,
        reader
    FROM staging.tumor_result
    WHERE reader <> ''
    UNION
    SELECT
        study_id,
        reader
    FROM staging.tumor_identification
    WHERE reader <> ''
),

worded AS (
    SELECT
        study_id,
        reader,
        regexp_replace(reader, '\s*/\s*', ' / ', 'g') AS full_name,
        split_part(reader, ' / ', 1) AS role,
        split_part(reader, ' / ', 2) AS which
    FROM reader
)

SELECT
    worded.study_id, -- text id of the study
    worded.reader, -- the reader
    coalesce(min(named.priority) FILTER (WHERE named.name = worded.full_name), min(named.priority))
        AS priority, -- 1 = read first
    bool_or(named.name = worded.full_name) AS is_named_in_full -- the order names the reader, not only the role
FROM worded
INNER JOIN named
    ON worded.study_id = named.study_id AND named.name IN (worded.full_name, worded.role, worded.which)
GROUP BY worded.study_id, worded.reader
