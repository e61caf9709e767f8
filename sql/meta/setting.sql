/* The settings that this warehouse was made with.
   Filled by: the engine
   Grain: one row per setting
   Key: name
*/
CREATE TABLE meta.setting (
    name VARCHAR, -- section.key, as in lesions.toml
    value VARCHAR, -- the value as text
    type VARCHAR -- boolean, integer, number or text
)
