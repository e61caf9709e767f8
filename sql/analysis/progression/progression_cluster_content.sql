/* What is in a cluster, and why it is called so.
   Why: names come from rules, and the rule stands beside the name.
   How: Mono-Organ when 90 % have one progressive organ; Hetero-Organ from a mean of progression.hetero_organs; two
   organs when each progressed in 75 %; an organ when it was first in half; else Other-First. In the second round the
   organ that holds the first (second, third) place in half.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4a, S7 and S9
   Filled by: step progression_cluster
   Grain: one row per subset, encoding and cluster
   Key: subset, encoding, cluster
   Tags: public
*/
CREATE TABLE analysis.progression_cluster_content (
    subset VARCHAR, -- all; where there are several tumor types, each by itself; and of each the second round,
    -- hetero-organ: patients of its Hetero-Organ clusters, or without such with many organs
    encoding VARCHAR, -- timed or published: the setting progression.encoding
    cluster BIGINT, -- number, 1 is the largest; 0: without a progressive organ
    cluster_name VARCHAR, -- name
    named_by VARCHAR, -- the rule that named it, and the share that met it
    n_patients BIGINT, -- patients
    share_one_organ DOUBLE, -- share with one progressive organ
    mean_organs DOUBLE, -- mean number of progressive organs
    first_organ VARCHAR, -- organ that progressed first in most; NULL without one
    first_organ_share DOUBLE, -- share in which it did
    common_sequence VARCHAR, -- the most frequent sequence
    common_sequence_share DOUBLE, -- share that has it
    stability_jaccard DOUBLE -- mean of the largest Jaccard similarity with a cluster of a bootstrap sample: 0.75 and
    -- more is stable, below 0.6 is not (Hennig 2007)
)
