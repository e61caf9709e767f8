/* The calendar day of an ISO 8601 date or date-time, of a SAS date (02JAN2014) or of a compact date (20140102).
   The day is the one that the text shows: a time zone does not move a scan to another day.
   A partial date ('2014-01') gives NULL: it is no day. Nor are words that a cast would take ('epoch', 'infinity').
*/
CREATE OR REPLACE MACRO full_date(source_text) AS
CASE
    WHEN regexp_matches(source_text, '^\s*[0-9]')
        THEN coalesce(
            try_cast(left(trim(source_text), 10) AS DATE),
            CAST(try_strptime(trim(source_text), ['%Y%m%d', '%d%b%Y']) AS DATE)
        )
END;
