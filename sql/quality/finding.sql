/* A row, a lesion, a subject or an arm that is kept and looks wrong, and why.
   Why: what a data review would ask about, each with its place in the source and what to do. What could not be kept at
   all is in quality.quarantine; quality.defect has the rule of each defect_id.
   Caveats: a finding is a question, not a verdict: some are right as they are. Nothing is changed by it.
   Grain: one row per defect found
   Key: finding_id
   Tags: public
*/
WITH finding AS (
    SELECT * FROM quality.finding_sizes
    UNION ALL BY NAME
    SELECT * FROM quality.finding_identity
    UNION ALL BY NAME
    SELECT * FROM quality.finding_dates
    UNION ALL BY NAME
    SELECT * FROM quality.finding_time
    UNION ALL BY NAME
    SELECT * FROM quality.finding_records
    UNION ALL BY NAME
    SELECT * FROM quality.finding_sites
    UNION ALL BY NAME
    SELECT * FROM quality.finding_treatment
    UNION ALL BY NAME
    SELECT * FROM quality.finding_deaths
    UNION ALL BY NAME
    SELECT * FROM quality.finding_visits
    UNION ALL BY NAME
    SELECT * FROM quality.finding_time_points
    UNION ALL BY NAME
    SELECT * FROM quality.finding_stated_times
    UNION ALL BY NAME
    SELECT * FROM quality.finding_lesions
    UNION ALL BY NAME
    SELECT * FROM quality.finding_responses
    UNION ALL BY NAME
    SELECT * FROM quality.finding_plausible_sizes
    UNION ALL BY NAME
    SELECT * FROM quality.finding_plausible_courses
    UNION ALL BY NAME
    SELECT * FROM quality.finding_plausible_lesions
    UNION ALL BY NAME
    SELECT * FROM quality.finding_plausible_patients
    UNION ALL BY NAME
    SELECT * FROM quality.finding_plausible_records
    UNION ALL BY NAME
    SELECT * FROM quality.finding_assessments
)

SELECT
    finding.finding_id, -- text id of the finding
    finding.defect_id, -- entry of quality.defect
    defect.severity, -- critical, warning or info
    finding.study_id, -- text id of the study
    finding.patient_id, -- text id of the patient; NULL when the source names none, or where it concerns several
    finding.lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    finding.reader, -- who read the scan, '' where the source names no reader; NULL where it is no reader's
    finding.day, -- day from first dose; NULL when not known
    finding.source_file, -- file of the row; where several rows are meant, of one of them
    finding.source_row, -- row in the file
    finding.domain, -- table of raw that holds the row
    finding.column_name, -- column at fault
    finding.value, -- the value found, or the day that it means; NULL when blank
    finding.message, -- what is odd about it
    defect.remedy -- what to do about it
FROM finding
INNER JOIN quality.defect AS defect ON finding.defect_id = defect.defect_id
