/* How often a choice of few target lesions misses what a lesion shows.
   Why: a relapse that is not measured is no progression of the sum.
   How: of the patients with the finding in some followed target lesion, the mean share of samples in which no chosen
   lesion has it; for 'unlike response', in which the chosen lesions all responded or all did not.
   Caveats: progression by non-target and new lesions is not counted.
   Reference: Zhou et al. 2021 (phases); Eisenhauer et al. 2009, RECIST 1.1 (five lesions, two per organ)
   Filled by: step gower_sampling
   Grain: one row per cohort, strategy and finding
   Key: cohort, strategy, finding
   Tags: public
*/
CREATE TABLE analysis.gower_missed (
    cohort VARCHAR, -- core.study, or 'all' for all studies
    strategy VARCHAR, -- order of choice, how many lesions, per_site how many, without organ
    finding VARCHAR, -- relapse, response, or unlike response (some lesions responded, some did not)
    n_patients BIGINT, -- patients with the finding
    missed_mean DOUBLE, -- mean share of samples that miss it
    n_patients_partial BIGINT, -- of them, patients in whom the strategy leaves lesions out
    missed_mean_partial DOUBLE -- mean over those; NULL where there are none
)
