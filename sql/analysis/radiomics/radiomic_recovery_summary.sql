/* What share of the radiomic heterogeneity so many random lesions show, over the patients; who has fewer lesions counts
   with all of them.
   Why: trials and radiomic models look at a few lesions. Only patients whose every visible lesion was segmented count
   (is_exhaustive).
   How: the index of the sampled lesions over that of all lesions, at every subset where radiomics.exact_subsets allow,
   else at radiomics.simulations random ones. Definition 'pairs': the sample's index is over its pairs i < j, as that of
   all lesions is. 'published': its average is over the full matrix with the zero diagonal, (k - 1) / k of that, which
   the published figures agree with. Scope 'within_site' counts pairs of lesions of one organ only (published: the mean
   over the organs' own indices). A sample of one lesion recovers 0.
   Reference: Henry et al. 2022, Methods, Table 2, Fig. 6
   Filled by: step radiomic_sampling
   Grain: one row per cohort, definition, index and n_lesions
   Key: cohort, definition, index, n_lesions
   Tags: public
*/
CREATE TABLE analysis.radiomic_recovery_summary (
    cohort VARCHAR, -- core.study, or 'all' for all studies
    definition VARCHAR, -- pairs or published
    index VARCHAR, -- average_tumoral_heterogeneity or maximal_tumoral_divergence
    n_lesions BIGINT, -- lesions sampled at most
    recovered_mean DOUBLE, -- share of the index recovered on average, 1 = 100 %; NULL where the index of all lesions is
    -- 0
    recovered_lower DOUBLE, -- lower quantile over the samples of all patients, each patient weighing the same
    recovered_upper DOUBLE, -- upper quantile
    recovered_mean_se DOUBLE, -- Monte Carlo error of recovered_mean; 0 where it is exact
    n_patients BIGINT, -- patients with an index above 0
    n_patients_partial BIGINT, -- of them, patients in whom the strategy leaves lesions out
    recovered_mean_partial DOUBLE, -- mean over those
    is_mean_enough BOOLEAN, -- from this number of lesions on recovered_mean reaches radiomics.recovered_share
    is_lower_enough BOOLEAN -- the same of recovered_lower: nearly every sample reaches it
)
