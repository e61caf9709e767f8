/* What was known of a patient's progression on a day, for patients alive and under observation then.
   Why: groups by a later course ('first progression in the liver') contain their members' survival up to it. Grouped by
   what had happened up to a landmark and followed from there, they do not (Anderson, Cain and Gelber 1983).
   How: the sequence up to and with the landmark; its cluster is the one with the nearest centre of the clusters of all
   sequences. Patients with overall survival beyond the landmark count.
   Caveats: the centres come from the whole follow-up, so the clusters themselves are not free of it; first_organ and
   n_progressive_organs are. Who was no longer scanned before the landmark counts as far as was seen.
   Reference: Anderson et al., J Clin Oncol 1983; Zhou et al., Nat Commun 2023, Fig. 4b
   Filled by: step progression_cluster
   Grain: one row per patient_id, subset and landmark_days
   Key: patient_id, subset, landmark_days
   Tags: public
*/
CREATE TABLE analysis.progression_landmark (
    patient_id VARCHAR, -- text id of the patient
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    landmark_days DOUBLE, -- day from first dose: progression.landmarks
    first_organ VARCHAR, -- organ that had progressed first; NULL where none had
    n_progressive_organs BIGINT, -- organs that had progressed
    cluster BIGINT, -- number of the nearest cluster; 0 where nothing had progressed (unless such patients were
    -- clustered); NULL without clusters
    cluster_name VARCHAR, -- its name
    days_after DOUBLE, -- days from the landmark to death or censoring
    is_death BOOLEAN -- the patient died; else censored
)
