/* What share of a patient's heterogeneity of response (Gower distance) a choice of few lesions shows.
   Why: RECIST 1.1 measures five target lesions, two per organ. Caveats: all lesions are all target lesions that were
   followed, which is not every lesion: lesions that a trial never measured are missed on top.
   How: the index of the sampled lesions over that of all lesions, at every subset where radiomics.exact_subsets allow,
   else at radiomics.simulations random ones. Definition 'pairs': the sample's index is over its pairs i < j, as that of
   all lesions is. 'published': its average is over the full matrix with the zero diagonal, (k - 1) / k of that, which
   the published figures agree with. Scope 'within_site' counts pairs of lesions of one organ only (published: the mean
   over the organs' own indices). A sample of one lesion recovers 0.
   Reference: Henry et al. 2022, Methods, Table 2, Fig. 6
   Filled by: step gower_sampling
   Grain: one row per patient_id, strategy, definition, scope and index
   Key: patient_id, strategy, definition, scope, index
   Tags: public
*/
CREATE TABLE analysis.gower_sampling (
    patient_id VARCHAR, -- core.patient
    strategy VARCHAR, -- order of choice, how many lesions, per_site how many, without organ
    n_lesions BIGINT, -- lesions in a sample
    index VARCHAR, -- average_tumoral_heterogeneity or maximal_tumoral_divergence
    recovered_mean DOUBLE, -- share of the index recovered on average, 1 = 100 %; NULL where the index of all lesions is
    -- 0
    recovered_lower DOUBLE, -- lower quantile over the samples (radiomics.confidence)
    recovered_upper DOUBLE, -- upper quantile
    recovered_mean_se DOUBLE, -- Monte Carlo error of recovered_mean; 0 where it is exact
    definition VARCHAR, -- pairs or published
    scope VARCHAR, -- pooled, or within_site
    n_available BIGINT, -- lesions that all samples are drawn from
    n_subsets BIGINT, -- subsets enumerated, or drawn
    is_exact BOOLEAN, -- every subset was enumerated
    is_published BOOLEAN -- one of the six strategies of Henry 2022
)
