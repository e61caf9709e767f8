/* One organ in the Markov chain over organs: where progression goes in the long run.
   Why: Newton 2012's view of metastasis as a walk from organ to organ, from observed steps, not from prevalence, which
   does not tell the chain.
   How: steps from an organ's progression to the organs that progress next (analysis.progression_sequence); organs of
   one day share the step in equal parts, none precedes another. The chain is that of the organs which lead to each
   other. Limits: bootstrap of patients.
   Caveats: of those in whom another organ progressed; most have no further step (share_without_next), whose rates with
   death competing are in analysis.organ_transition. An organ has no step to itself, so that total_variation is at least
   its own share of the steady state; at that, the last organ says no more of the next than that it is another one.
   Reference: Newton et al., PLoS ONE 2012, 7:e34637
   Filled by: step organotropism
   Grain: one row per subset and organ
   Key: subset, organ
   Tags: public
*/
CREATE TABLE analysis.organ_chain (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    organ VARCHAR, -- core.organ
    n_progressed BIGINT, -- patients in whom it progressed
    n_steps DOUBLE, -- steps from it to another organ; parts where organs share a day
    share_without_next DOUBLE, -- of n_progressed, in whom no other organ was seen to progress later
    is_in_class BOOLEAN, -- it leads to the other organs of the chain and they to it
    steady_state DOUBLE, -- long-run share of the steps; NULL outside the class
    steady_lower DOUBLE, -- lower limit (survival.confidence), bootstrap of patients
    steady_upper DOUBLE, -- upper limit
    total_variation DOUBLE -- how far its row is from the steady state, 0 to 1; NULL outside the class
)
