/* What a Python step had to say about its input.
   Filled by: the engine
   Grain: one row per note
   Key: node, position
*/
CREATE TABLE meta.run_note (
    node VARCHAR, -- the step
    position INTEGER, -- order of the note, from 1
    note VARCHAR, -- the text
    run_id VARCHAR -- the run that built the step
)
