/* How unlike two lesions of one patient look: the distance of their features. Where a lesion has several regions, two
   of its regions are compared too.
   The distance is radiomics.cosine on the features selected in analysis.radiomic_robustness, scaled by
   radiomics.scaling over all lesions of the study. 1 - cos reaches 2 (opposite directions); it stays below 1 only for
   features that are never negative (min-max).
   Reference: Henry et al. 2022, Methods, Data analysis
   Filled by: step radiomic_dissimilarity
   Grain: one row per pair of lesions of one patient in the reference region, and per pair of regions of one lesion,
   each pair once
   Key: lesion_id, region, other_lesion_id, other_region
   Tags: public
*/
CREATE TABLE analysis.radiomic_dissimilarity (
    patient_id VARCHAR, -- core.patient
    lesion_id VARCHAR, -- core.lesion; less than other_lesion_id where two lesions are compared
    other_lesion_id VARCHAR, -- core.lesion; the same where two regions of a lesion are compared
    cosine_distance DOUBLE, -- distance, 0 = alike; see variant
    region VARCHAR, -- region of the one
    other_region VARCHAR, -- region of the other
    compared VARCHAR, -- lesions or regions
    variant VARCHAR -- variant of the cosine distance (radiomics.cosine)
)
