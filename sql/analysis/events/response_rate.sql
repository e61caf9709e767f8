/* How many patients of a group responded, or had their disease under control.
   Why: the rates that trials report, with limits that hold in small groups.
   How: best overall responses of the basis that counts (endpoints.basis), of one reader of the patient. All patients
   who entered a study are in n, as in progression-free survival: who was never assessed, or of whom no response is
   stated, is not evaluable and no responder (RECIST 1.1, section 4.7); n_not_assessed says how many. Limits are exact,
   so that they cover at least endpoints.confidence.
   Caveats: studies with neither lesions nor stated responses are left out, and so are screen failures. Rates of groups
   within all pool studies.
   Reference: Clopper and Pearson, Biometrika 1934; Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.7
   Filled by: step response_rate
   Grain: one row per subset, grouping, group_name, definition and measure
   Key: subset, grouping, group_name, definition, measure
   Tags: public
*/
CREATE TABLE analysis.response_rate (
    subset VARCHAR, -- all, or study and its id
    grouping VARCHAR, -- all, treatment, treatment class, arm, sex, age or KRAS
    group_name VARCHAR, -- the group
    definition VARCHAR, -- unconfirmed, or confirmed by a later assessment
    measure VARCHAR, -- ORR: CR or PR; DCR: CR, PR, SD or NON-CR/NON-PD
    n BIGINT, -- patients who entered the study, not evaluable and never assessed ones included
    n_responders BIGINT, -- of them with such a response
    n_not_evaluable BIGINT, -- of them not evaluable (unconfirmed), n_not_assessed included
    n_not_assessed BIGINT, -- of them without any assessment or stated best response
    n_stated BIGINT, -- of them by the responses that the source states, or should state
    rate DOUBLE, -- n_responders / n
    lower DOUBLE, -- its lower limit
    upper DOUBLE, -- its upper limit
    confidence DOUBLE, -- of the limits: endpoints.confidence
    method VARCHAR -- of the limits: Clopper-Pearson
)
