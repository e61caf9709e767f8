/* Lesions that stand in analysis.lesion_event but not in a hazard model, by the rule that leaves them out.
   Why: n_lesions of a model and what is left out add up to the lesions of the endpoint.
   How: model 'any' for what no model can use: unknown patient; unknown organ; new lesion that does not count; no event
   possible (no baseline, or never assessed after it); no day after the first dose. Model 'observed times' counts these
   for itself. Of one model: covariate unknown; level with few events, organ with few events (hazards.least_events);
   organ with few events under one treatment; hazard without maximum (no event, or events on one side only: the hazard
   ratio is 0 or infinite, and analysis.hazard_ratio has its limit); organ not told from other terms (collinear).
   Filled by: step hazard
   Grain: one row per endpoint, stratum, model, rule and level
   Key: endpoint, stratum, model, rule, level
   Tags: public
*/
CREATE TABLE analysis.hazard_exclusion (
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all; a class of treatment; or a tumor type, where there are several
    model VARCHAR, -- the model of analysis.hazard_fit, or any
    rule VARCHAR, -- rule of the description
    level VARCHAR, -- organ, covariate or level; empty where the rule has none
    n_lesions BIGINT, -- lesions left out
    n_events BIGINT -- of them with an event
)
