/* The cluster of each patient's progression sequence.
   Why: what survival, intervals, treatments and predictions are compared by.
   How: of the encoding that progression.encoding names. Patients without a progressive organ are level 0, 'No
   progression', and are not clustered unless progression.no_progression says so.
   Caveats: a cluster is known only when the scans have ended. Who died early, or was followed briefly, had less time
   for a second organ: survival from the first dose by cluster is biased (guarantee time); analysis.progression_landmark
   has the groups as they could be known on a day.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4a, S7 and S9
   Filled by: step progression_cluster
   Grain: one row per patient_id and subset
   Key: patient_id, subset
   Tags: public
*/
CREATE TABLE analysis.progression_cluster (
    patient_id VARCHAR, -- text id of the patient
    subset VARCHAR, -- all; where there are several tumor types, each by itself; and of each the second round,
    -- hetero-organ: patients of its Hetero-Organ clusters, or without such with many organs
    cluster BIGINT, -- number, 1 is the largest; 0 for patients without a progressive organ
    cluster_name VARCHAR -- name from what is in it: analysis.progression_cluster_content
)
