"""The catalogue's rules, written once more as plain SQL over the CSV files of simulated trials.

They serve to check the simulator: nothing on clean trials, and on messy ones exactly the subjects
in which a defect was planted. They share nothing with the warehouse's own detection.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

DOMAINS = ("dm", "suppdm", "tu", "tr", "rs", "ex", "ds", "ss", "dd", "pr", "lb", "ae")

_COLUMNS = {
    "ae": "study, USUBJID, AESDTH, AEOUT, AEENDTC",
}

PREPARED = """ CREATE MACRO full_date(x) AS CASE WHEN regexp_matches(x, '^\\d{4}-\\d{2}-\\d{2}')
THEN left(x, 10) END; CREATE TABLE size AS
    SELECT *, try_cast(TRSTRESN AS DOUBLE) AS mm, coalesce(TREVAL, '') AS reader
    FROM tr WHERE TRTESTCD IN ('LDIAM', 'DIAMETER', 'LPERP');
CREATE TABLE target AS
    SELECT DISTINCT study, USUBJID, TUEVAL AS reader, TULNKID FROM tu
    WHERE TUTESTCD = 'TUMIDENT' AND TUORRES = 'TARGET';
CREATE TABLE long AS
    SELECT s.*, full_date(s.TRDTC) AS day FROM size AS s INNER JOIN target AS t
        ON s.study = t.study AND s.USUBJID = t.USUBJID AND s.reader = t.reader AND s.TRLNKID =
        t.TULNKID
    WHERE s.TRTESTCD = 'LDIAM' AND s.TRSTRESU = 'mm' AND s.mm IS NOT NULL AND s.TRDTC IS NOT NULL;
CREATE TABLE neighbour AS
    SELECT *, lag(mm) OVER w AS before, lead(mm) OVER w AS after, row_number() OVER w AS scan
    FROM long WINDOW w AS (PARTITION BY study, USUBJID, reader, TRLNKID ORDER BY day);
CREATE TABLE whole_long AS SELECT DISTINCT study, USUBJID, reader, TRLNKID, day FROM long
    WHERE day IS NOT NULL;
CREATE TABLE total AS
    SELECT study, USUBJID, reader, day, sum(mm) AS mm,
        first_value(sum(mm)) OVER (PARTITION BY study, USUBJID, reader ORDER BY day) AS first_mm
    FROM long GROUP BY study, USUBJID, reader, day;
"""

RULES = {
    "sizes.1b": "SELECT study, USUBJID FROM size WHERE TRORRES = 'NOT EVALUABLE'",
    "sizes.1c": "SELECT study, USUBJID FROM size WHERE TRORRES IS NULL AND TRSTRESC IS NULL "
    "AND TRSTRESN IS NULL AND trim(coalesce(TRSTAT, '')) = ''",
    "sizes.1f": "SELECT study, USUBJID FROM size WHERE TRORRES = '.'",
    "sizes.3c": "SELECT study, USUBJID FROM neighbour "
    "WHERE mm = 0 AND before >= 10 AND after >= 10",
    "sizes.4b": "SELECT study, USUBJID FROM neighbour WHERE scan = 1 AND mm > 0 AND mm < 5",
    "sizes.4c": "SELECT study, USUBJID FROM size WHERE TRORRESU = 'mm2'",
    "sizes.4d": "SELECT study, USUBJID FROM size WHERE TRORRESU = '%'",
    "sizes.4f": "SELECT study, USUBJID FROM neighbour WHERE least(mm, before, after) > 0 AND ("
    "(mm >= 5 * before AND mm >= 5 * after) OR (5 * mm <= before AND 5 * mm <= after))",
    "sizes.5a": "SELECT l.study, l.USUBJID FROM size AS l INNER JOIN size AS s "
    "ON l.study = s.study AND l.USUBJID = s.USUBJID AND l.reader = s.reader "
    "AND l.TRLNKID = s.TRLNKID AND l.TRDTC = s.TRDTC "
    "WHERE l.TRTESTCD = 'LDIAM' AND s.TRTESTCD = 'LPERP' AND l.mm IS NOT NULL "
    "GROUP BY l.study, l.USUBJID, l.reader, l.TRLNKID HAVING count(*) >= 3 "
    "AND count(DISTINCT l.mm) >= 3 AND max(abs(1.31 * s.mm - l.mm)) <= 0.02",
    "sizes.6a": "SELECT study, USUBJID FROM tr WHERE TRTESTCD = 'SUMDIAM' "
    "GROUP BY study, USUBJID, TREVAL, TRDTC HAVING count(*) > 1 AND TRDTC IS NOT NULL",
    "identity.1c": "SELECT study, USUBJID FROM stranger WHERE same_without_zeros",
    "identity.1d": "SELECT study, USUBJID FROM stranger WHERE same_without_point",
    "identity.1f": "SELECT study, USUBJID FROM tu WHERE TUTESTCD = 'TUMIDENT' "
    "GROUP BY study, USUBJID, TUEVAL, TULNKID HAVING count(DISTINCT TUORRES) > 1",
    "identity.1h": "SELECT study, USUBJID FROM (SELECT study, USUBJID, TUEVAL, TUORRES, "
    "CAST(regexp_extract(TULNKID, '(\\d+)$', 1) AS INTEGER) AS number FROM tu "
    "WHERE TUTESTCD = 'TUMIDENT') GROUP BY study, USUBJID, TUEVAL, TUORRES "
    "HAVING max(number) > count(DISTINCT number) OR min(number) > 1",
    "identity.2b": "SELECT study, USUBJID FROM tr GROUP BY study, USUBJID, TREVAL "
    "HAVING count(TRACPTFL) BETWEEN 1 AND count(*) - 1",
    "identity.3c": "SELECT a.study, a.USUBJID FROM long AS a INNER JOIN long AS b "
    "ON a.study = b.study AND a.USUBJID = b.USUBJID AND a.reader = b.reader AND a.day = b.day "
    "AND a.TRLNKID < b.TRLNKID "
    "INNER JOIN tu AS ta ON a.study = ta.study AND a.USUBJID = ta.USUBJID "
    "AND a.reader = ta.TUEVAL AND a.TRLNKID = ta.TULNKID INNER JOIN tu AS tb ON b.study = tb.study "
    "AND b.USUBJID = tb.USUBJID AND b.reader = tb.TUEVAL AND b.TRLNKID = tb.TULNKID "
    "WHERE ta.TULOC = tb.TULOC GROUP BY a.study, a.USUBJID, a.reader, a.TRLNKID, b.TRLNKID "
    "HAVING count(*) FILTER (WHERE a.mm >= 10) >= 5 "
    "AND count(DISTINCT a.mm) FILTER (WHERE a.mm >= 10) >= 3 AND max(abs(a.mm - b.mm)) = 0",
    "identity.4a": "SELECT study, USUBJID FROM tu WHERE TUTESTCD = 'TUMIDENT' AND NOT EXISTS ("
    "SELECT 1 FROM tr WHERE tr.study = tu.study AND tr.USUBJID = tu.USUBJID "
    "AND tr.TREVAL = tu.TUEVAL AND tr.TRLNKID = tu.TULNKID)",
    "identity.4b": "SELECT study, USUBJID FROM stranger "
    "WHERE NOT same_without_zeros AND NOT same_without_point",
    "time.1d": "SELECT n.study, n.USUBJID FROM neighbour AS n INNER JOIN dm ON n.study = dm.study "
    "AND n.USUBJID = dm.USUBJID WHERE scan = 1 "
    "AND CAST(n.day AS DATE) - CAST(dm.RFSTDTC AS DATE) > 1",
    "time.1e": "SELECT study, USUBJID FROM tr WHERE TRDY = '0'",
    "time.2a": "SELECT study, USUBJID FROM size WHERE TRDTC IS NULL AND TRDY IS NULL "
    "AND (study, USUBJID) NOT IN (SELECT (study, USUBJID) FROM undated)",
    "time.2b": "SELECT study, USUBJID FROM tr WHERE length(TRDTC) < 10",
    "time.2e": "SELECT study, USUBJID FROM dm WHERE RFSTDTC < '1950'",
    "time.2f": "SELECT study, USUBJID FROM undated",
    "time.2i": "SELECT tr.study, tr.USUBJID FROM tr INNER JOIN dm ON tr.study = dm.study "
    "AND tr.USUBJID = dm.USUBJID WHERE full_date(TRDTC) > DTHDTC "
    "UNION SELECT rs.study, rs.USUBJID FROM rs INNER JOIN dm ON rs.study = dm.study "
    "AND rs.USUBJID = dm.USUBJID WHERE RSDTC > DTHDTC",
    "time.2j": "SELECT tr.study, tr.USUBJID FROM tr INNER JOIN pr ON tr.study = pr.study "
    "AND tr.USUBJID = pr.USUBJID WHERE PRCAT = 'SUBSEQUENT ANTI-CANCER THERAPY' "
    "AND full_date(TRDTC) > PRSTDTC",
    "rows.1a": "SELECT study, USUBJID FROM (SELECT study, USUBJID, hash(tr) AS whole FROM tr) "
    "GROUP BY study, USUBJID, whole HAVING count(*) > 1",
    "rows.1b": "SELECT study, USUBJID FROM size WHERE TRTESTCD = 'LDIAM' AND TRDTC IS NOT NULL "
    "GROUP BY study, USUBJID, reader, TRLNKID, TRDTC HAVING count(DISTINCT mm) > 1",
    "rows.3a": "SELECT study, USUBJID FROM tu WHERE TULOC IS NULL",
    "rows.3e": "SELECT study, USUBJID FROM tu WHERE TULOC = 'BODY'",
    "rows.3g": "SELECT study, USUBJID FROM tu WHERE regexp_matches(TULOC, '^\\d+$')",
    "rows.4a": "SELECT study, USUBJID FROM dm WHERE ARMCD <> ACTARMCD",
    "rows.4b": "SELECT study, USUBJID FROM dm WHERE ARM LIKE 'AMG%'",
    "rows.4c": "SELECT study, USUBJID FROM dm WHERE regexp_matches(lower(ARM), 'arm[_ ]?\\d')",
    "rows.4d": "SELECT ex.study, ex.USUBJID FROM ex INNER JOIN dm ON ex.study = dm.study "
    "AND ex.USUBJID = dm.USUBJID WHERE EXTRT IN ('BEVACIZUMAB', 'PANITUMUMAB') "
    "AND NOT contains(upper(ARM), EXTRT)",
    "rows.4e": "SELECT study, USUBJID FROM pr WHERE PRDECOD = 'RADIOTHERAPY' AND PRLNKID <> '' "
    "AND PRCAT <> 'LOCAL TREATMENT'",
    "rows.4f": "SELECT study, USUBJID FROM pr WHERE PRDECOD = 'RESECTION' AND PRLNKID <> '' "
    "AND PRCAT <> 'LOCAL TREATMENT'",
    "rows.5a": "SELECT study, USUBJID FROM dm WHERE DTHFL = 'Y' AND DTHDTC IS NULL",
    "rows.5b": "SELECT ds.study, ds.USUBJID FROM ds INNER JOIN dm ON ds.study = dm.study "
    "AND ds.USUBJID = dm.USUBJID WHERE DSDECOD = 'DEATH' AND DSSTDTC <> DTHDTC",
    "rows.5c": "SELECT ae.study, ae.USUBJID FROM ae INNER JOIN dm ON ae.study = dm.study "
    "AND ae.USUBJID = dm.USUBJID WHERE AESDTH = 'Y' AND AEENDTC <> DTHDTC",
    "rows.5d": "SELECT ss.study, ss.USUBJID FROM ss INNER JOIN dm ON ss.study = dm.study "
    "AND ss.USUBJID = dm.USUBJID WHERE SSSTRESC = 'ALIVE' AND SSDTC >= DTHDTC "
    "UNION SELECT dd.study, dd.USUBJID FROM dd INNER JOIN dm ON dd.study = dm.study "
    "AND dd.USUBJID = dm.USUBJID WHERE DTHFL IS NULL",
    "rows.5f": "SELECT n.study, n.USUBJID FROM rs AS n INNER JOIN rs AS o ON n.study = o.study "
    "AND n.USUBJID = o.USUBJID AND n.RSEVAL = o.RSEVAL AND n.RSDTC = o.RSDTC "
    "WHERE n.RSTESTCD = 'NEWLIND' AND n.RSSTRESC = 'Y' AND o.RSTESTCD = 'OVRLRESP' "
    "AND o.RSSTRESC <> 'PD'",
    "rows.5h": "SELECT study, USUBJID FROM size WHERE TRTESTCD = 'LDIAM' "
    "AND try_cast(TRORRES AS DOUBLE) IS NOT NULL AND TRSTRESN IS NULL",
    "rows.5j": "SELECT study, USUBJID FROM tu WHERE TUDTC IS NULL",
    "rows.5k": "SELECT study, USUBJID FROM rs WHERE RSTESTCD <> 'BESTRESP' AND RSDTC IS NULL",
    "rows.5l": "SELECT study, USUBJID FROM tr WHERE full_date(TRDTC) IS NOT NULL "
    "GROUP BY study, USUBJID, TREVAL, full_date(TRDTC) HAVING count(DISTINCT VISITNUM) > 1",
    "rows.5m": "SELECT a.study, a.USUBJID FROM tr AS a INNER JOIN tr AS b ON a.study = b.study "
    "AND a.USUBJID = b.USUBJID AND a.TREVAL = b.TREVAL "
    "WHERE CAST(a.VISITNUM AS DOUBLE) < CAST(b.VISITNUM AS DOUBLE) "
    "AND full_date(a.TRDTC) > full_date(b.TRDTC)",
    "plausibility.1a": "SELECT a.study, a.USUBJID FROM neighbour AS a INNER JOIN neighbour AS b "
    "ON a.study = b.study AND a.USUBJID = b.USUBJID AND a.reader = b.reader AND a.day = b.day "
    "AND a.scan = b.scan WHERE a.before >= 1.5 * b.before AND a.after >= 1.5 * b.after "
    "AND b.mm >= 1.5 * a.mm AND a.mm > 0 "
    "AND b.mm BETWEEN sqrt(a.before * a.after) / 1.25 AND sqrt(a.before * a.after) * 1.25 "
    "AND a.mm BETWEEN sqrt(b.before * b.after) / 1.25 AND sqrt(b.before * b.after) * 1.25",
    "plausibility.1b": "SELECT study, USUBJID FROM neighbour WHERE after IS NULL "
    "AND before >= 10 AND mm >= 5 * before",
    "plausibility.1c": "SELECT study, USUBJID FROM size WHERE abs(mm - try_cast(TRORRES AS DOUBLE) "
    "* CASE TRORRESU WHEN 'mm' THEN 1 WHEN 'cm' THEN 10 END) > greatest(0.6, mm / 100)",
    "plausibility.1d": "SELECT l.study, l.USUBJID FROM (SELECT study, USUBJID, reader, TRLNKID, "
    "min(day) AS first, max(day) AS last, list(day) AS days FROM whole_long GROUP BY ALL) AS l "
    "INNER JOIN (SELECT study, USUBJID, reader, day, count(*) AS n FROM whole_long GROUP BY ALL) "
    "AS v ON l.study = v.study AND l.USUBJID = v.USUBJID AND l.reader = v.reader "
    "AND v.day > l.first AND v.day < l.last AND NOT list_contains(l.days, v.day) WHERE v.n >= 1 "
    "AND NOT EXISTS (SELECT 1 FROM tr WHERE tr.study = l.study AND tr.USUBJID = l.USUBJID "
    "AND tr.TREVAL = l.reader AND tr.TRLNKID = l.TRLNKID AND (full_date(tr.TRDTC) = v.day "
    "OR tr.VISITNUM = (SELECT min(VISITNUM) FROM tr AS w WHERE w.study = l.study "
    "AND w.USUBJID = l.USUBJID AND w.TREVAL = l.reader AND full_date(w.TRDTC) = v.day)))",
    "plausibility.1f": "SELECT n.study, n.USUBJID FROM tu AS n INNER JOIN tu AS t "
    "ON n.study = t.study AND n.USUBJID = t.USUBJID AND n.TUEVAL = t.TUEVAL "
    "WHERE n.TUORRES = 'NEW' AND t.TUORRES = 'TARGET' AND t.TUTESTCD = 'TUMIDENT' "
    "GROUP BY n.study, n.USUBJID, n.TUEVAL, n.TULNKID HAVING min(n.TUDTC) <= min(t.TUDTC)",
    "plausibility.2a": "SELECT rs.study, rs.USUBJID FROM rs INNER JOIN long AS l "
    "ON rs.study = l.study AND rs.USUBJID = l.USUBJID AND rs.RSEVAL = l.reader "
    "AND rs.RSDTC = l.day WHERE RSTESTCD = 'OVRLRESP' AND RSSTRESC = 'CR' AND mm > 15",
    "plausibility.2b": "SELECT r.study, r.USUBJID FROM rs AS r INNER JOIN rs AS p "
    "ON r.study = p.study AND r.USUBJID = p.USUBJID AND r.RSEVAL = p.RSEVAL AND r.RSDTC > p.RSDTC "
    "INNER JOIN total AS t ON r.study = t.study AND r.USUBJID = t.USUBJID "
    "AND r.RSEVAL = t.reader AND r.RSDTC = t.day WHERE r.RSTESTCD = 'OVRLRESP' "
    "AND r.RSSTRESC IN ('CR', 'PR') AND p.RSTESTCD = 'OVRLRESP' AND p.RSSTRESC = 'PD' "
    "AND t.mm > 0.8 * t.first_mm",
    "plausibility.2c": "SELECT rs.study, rs.USUBJID FROM rs INNER JOIN dm USING (study, USUBJID) "
    "WHERE RSTESTCD = 'OVRLRESP' AND RSSTRESC = 'PD' AND RSDTC < RFSTDTC",
    "plausibility.3a": "SELECT ex.study, ex.USUBJID FROM ex INNER JOIN dm USING (study, USUBJID) "
    "WHERE EXENDTC > DTHDTC",
    "plausibility.3b": "SELECT ex.study, ex.USUBJID FROM ex INNER JOIN dm USING (study, USUBJID) "
    "WHERE EXTRT IN ('FOLFOX', 'FOLFIRI') AND contains(upper(ACTARM), 'FOLF') "
    "AND NOT contains(upper(ACTARM), EXTRT)",
    "plausibility.3c": "SELECT tr.study, tr.USUBJID FROM tr INNER JOIN dm USING (study, USUBJID) "
    "WHERE DTHFL IS NULL AND full_date(TRDTC) > RFPENDTC",
    "plausibility.4a": "SELECT study, max(USUBJID) AS USUBJID FROM (SELECT study, USUBJID, reader, "
    "count(*) AS n, list(day || ':' || mm ORDER BY day, mm) AS course FROM long GROUP BY ALL) "
    "WHERE n >= 6 GROUP BY study, reader, course HAVING count(*) > 1",
    "plausibility.4b": "SELECT study, USUBJID FROM suppdm WHERE QNAM = 'ECOG' "
    "AND CAST(QVAL AS DOUBLE) > 4",
}
"""defect_id -> query of (study, USUBJID). Not here: rows.1c and rows.2e, which have tests of
their own.
"""

_STRANGER = """
CREATE TABLE stranger AS
WITH other AS ({others}), known AS (SELECT DISTINCT study, USUBJID FROM dm)
SELECT other.study, other.USUBJID,
    EXISTS (SELECT 1 FROM known WHERE known.study = other.study
        AND regexp_replace(known.USUBJID, '(^|[^0-9])0+([0-9])', '\\1\\2', 'g')
            = regexp_replace(other.USUBJID, '(^|[^0-9])0+([0-9])', '\\1\\2', 'g')) AS
            same_without_zeros,
    EXISTS (SELECT 1 FROM known WHERE known.study = other.study
        AND known.USUBJID || '.0' = other.USUBJID) AS same_without_point
FROM other ANTI JOIN known USING (study, USUBJID);
CREATE TABLE undated AS SELECT study, USUBJID FROM tr GROUP BY study, USUBJID, TREVAL
    HAVING count(TRDTC) = 0 AND count(TRDY) = 0;
"""


EXTREMES = {"sizes.3c", "plausibility.1a", "plausibility.1b", "plausibility.2a"}
"""What the fastest of 19,180 lesions look like between two scans, without any defect."""


def findings(directory: Path) -> dict[str, set[tuple[str, str]]]:
    """(study, subject) of every rule that finds something."""
    with duckdb.connect() as con:
        for domain in DOMAINS:
            files = sorted((directory / "studies").glob(f"*/{domain}.csv"))
            if files:
                con.execute(
                    f"CREATE TABLE {domain} AS SELECT *, split_part(filename, '/', -2) AS study "
                    "FROM read_csv($1, all_varchar = true, union_by_name = true, filename = true, "
                    "ignore_errors = true, strict_mode = true)",
                    [[str(file) for file in files]],
                )
            else:
                columns = _COLUMNS[domain].split(", ")
                con.execute(f"CREATE TABLE {domain} ({', '.join(c + ' VARCHAR' for c in columns)})")
            con.execute(f"ALTER TABLE {domain} DROP COLUMN IF EXISTS filename")
        others = " UNION ".join(
            f"SELECT DISTINCT study, USUBJID FROM {d}" for d in DOMAINS if d != "dm"
        )
        con.execute(PREPARED)
        con.execute(_STRANGER.format(others=others))
        found = {}
        for defect_id, query in RULES.items():
            rows = con.execute(f"SELECT DISTINCT study, USUBJID FROM ({query})").fetchall()
            if rows:
                found[defect_id] = {(str(a), str(b)) for a, b in rows}
    return found
