/* One evaluated measurement against the growth model.
   Why: whether the model foresees what was measured; a lesion that it does not fit shows here.
   How: a measurement below the limit of quantification is known as an interval only: its values are drawn given the
   interval, by a number made of the seed, the lesion and the day, so that a row keeps its draw whatever other rows
   there are.
   Caveats: residuals at the most likely parameters (individual_residual) are too small, the more so the fewer scans a
   lesion has: test individual_residual_draw or npde instead.
   Reference: Brendel 2006, Pharm Res; Comets 2008, Comput Methods Programs Biomed; Nguyen 2012, J Pharmacokinet
   Pharmacodyn (censored rows)
   Filled by: step growth_check
   Grain: one row per fit_id, lesion_id and day
   Key: fit_id, lesion_id, day
   Tags: public
*/
CREATE TABLE analysis.growth_residual (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    lesion_id VARCHAR, -- core.lesion
    day DOUBLE, -- day of the measurement, from first dose
    patient_id VARCHAR, -- core.patient; null where the source does not say
    organ VARCHAR, -- core.organ
    volume_mm3 DOUBLE, -- measured volume, mm3; the limit of quantification where censored
    is_censored BOOLEAN, -- measured below the limit of quantification
    imputed_volume_mm3 DOUBLE, -- the measurement; where censored, drawn below the limit
    population_mm3 DOUBLE, -- volume foreseen for a typical lesion of this baseline, mm3
    individual_mm3 DOUBLE, -- volume foreseen at the lesion's most likely parameters, mm3
    individual_residual DOUBLE, -- (measured - individual) / residual standard deviation (IWRES)
    individual_residual_draw DOUBLE, -- the same at one draw of the lesion's parameters: standard normal if the model is
    -- right
    population_residual DOUBLE, -- normal score of the measurement among what the population lets expect on that day,
    -- other scans not used (npd)
    npde DOUBLE -- the same given the lesion's earlier scans: independent and standard normal if the model is right
)
