/* Which phenotypes the organs of a patient's metastases have.
   Why: the groups of Zhou 2023, Fig. S5.
   How: organs of target and non-target lesions; new lesions appear later and would make long survivors' groups.
   Phenotypes are those assigned in stratum all.
   Caveats: the phenotypes are learnt from the same patients. An organ without phenotype counts as none of the four.
   Reference: Zhou et al. 2023, Nat Commun, Fig. S5
   Filled by: step hazard
   Grain: one row per patient_id and comparator
   Key: patient_id, comparator
   Tags: public
*/
CREATE TABLE analysis.patient_phenotype (
    patient_id VARCHAR, -- core.patient
    comparator VARCHAR, -- of analysis.organ_phenotype
    n_organs BIGINT, -- organs with target or non-target lesions
    n_organs_assigned BIGINT, -- of them with a phenotype
    has_high_high BOOLEAN, -- some organ is high-high
    has_high_low BOOLEAN, -- some organ is high-low
    has_low_high BOOLEAN, -- some organ is low-high
    has_low_low BOOLEAN, -- some organ is low-low
    is_high_low_only BOOLEAN -- all organs are high-low
)
