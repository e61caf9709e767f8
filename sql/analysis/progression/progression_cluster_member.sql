/* The cluster of each patient by either encoding.
   Why: to see what the choice of the encoding changes.
   Caveats: as analysis.progression_cluster.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4a, S7 and S9
   Filled by: step progression_cluster
   Grain: one row per patient_id, subset and encoding
   Key: patient_id, subset, encoding
   Tags: public
*/
CREATE TABLE analysis.progression_cluster_member (
    patient_id VARCHAR, -- text id of the patient
    subset VARCHAR, -- all; where there are several tumor types, each by itself; and of each the second round,
    -- hetero-organ: patients of its Hetero-Organ clusters, or without such with many organs
    encoding VARCHAR, -- timed or published: the setting progression.encoding
    cluster BIGINT, -- number, 1 is the largest; 0 for patients without a progressive organ
    cluster_name VARCHAR -- name from what is in it
)
