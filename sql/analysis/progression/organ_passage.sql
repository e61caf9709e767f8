/* From one organ to another in the Markov chain over organs: probability of the next step, and steps until there.
   Why: how soon, in organs and not in days, progression reaches an organ from another.
   Caveats: as analysis.organ_chain. Steps, no days. From an organ to itself: steps until it is reached again, as the
   chain has no memory of organs that have progressed.
   Reference: Newton et al., PLoS ONE 2012; Kemeny and Snell, Finite Markov Chains, 1960
   Filled by: step organotropism
   Grain: one row per subset, from_organ and to_organ, organs of the class
   Key: subset, from_organ, to_organ
   Tags: public
*/
CREATE TABLE analysis.organ_passage (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    from_organ VARCHAR, -- core.organ
    to_organ VARCHAR, -- core.organ
    n_steps DOUBLE, -- steps seen; parts where organs share a day
    probability DOUBLE, -- of the next step, given that there is one
    mean_first_passage_steps DOUBLE, -- mean number of steps until to_organ is first reached
    passage_lower DOUBLE, -- lower limit (survival.confidence), bootstrap of patients
    passage_upper DOUBLE -- upper limit
)
