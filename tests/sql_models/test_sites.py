"""CDISC's sites and what sources write instead: each finds its organ."""

from __future__ import annotations

import re

import pytest
from sqlkit import SqlKit

# Typed from an atlas and ICD-O-3's topography, not from the seed: what patterns inside words got
# wrong, and at least one term of each organ.
ORGAN_OF_TERM = {
    "bone": [
        *("FEMORAL HEAD", "FEMORAL NECK", "FEMORAL CONDYLE", "HEAD OF THE HUMERUS", "PELVIC BONE"),
        *("THORACIC SPINE", "THORACIC VERTEBRA", "RIB 10", "CLAVICLE", "SACRUM", "PUBIC BONE"),
        *("SKULL, BASE", "MANDIBLE", "NASAL BONE", "PALATINE BONE", "FACIAL BONE", "HIP JOINT"),
        *("TEMPOROMANDIBULAR JOINT", "STERNAL MANUBRIUM", "BONE MARROW", "COSTAL CARTILAGE"),
        *("APPENDICULAR SKELETON", "INTERPHALANGEAL JOINT 2 OF THE FOOT", "VERTEBRA", "ILIUM"),
    ],
    "head_neck": [
        *("SUPRACLAVICULAR FOSSA", "EAR, OUTER", "MIDDLE EAR", "ORAL CAVITY", "OROPHARYNX"),
        *("SUBMANDIBULAR GLAND", "THYROID GLAND, LEFT LOBE", "PARATHYROID GLAND", "NECK", "HEAD"),
        *("EYE", "CORNEAL STROMA", "RETINA", "MAXILLARY SINUS", "BASE OF THE TONGUE", "LARYNX"),
        *("PERI-ORBITAL SOFT TISSUE", "VOCAL CORD", "CAROTID ARTERY", "FACE", "TOOTH", "GLOTTIS"),
    ],
    "pelvis": ["PRESACRAL SPACE", "PELVIS", "PERINEUM", "RECTOVAGINAL SPACE", "PELVIC SIDEWALL"],
    "brain_cns": [
        *("BRAIN", "CEREBELLUM", "MENINGES", "OPTIC NERVE", "PITUITARY GLAND", "SPINAL CORD"),
        *("SIGMOID SINUS", "CHOROID PLEXUS", "BASAL GANGLIA", "TEMPORAL LOBE", "CRANIAL NERVE"),
        *("BRAIN, PERIVENTRICULAR REGION", "BASILAR ARTERY", "PONS VAROLII", "HYPOTHALAMUS"),
    ],
    "gi_tract": [
        *("COLON, HEPATIC FLEXURE", "COLON, SPLENIC FLEXURE", "EXTRAHEPATIC BILE DUCT"),
        *("ESOPHAGUS, THORACIC", "GASTRIC CARDIA", "GALLBLADDER", "AMPULLA OF VATER", "RECTUM"),
        *("APPENDICEAL TIP", "ANAL CANAL", "GUT-ASSOCIATED LYMPHOID TISSUE", "SMALL INTESTINE"),
    ],
    "liver": ["LIVER", "INTRAHEPATIC BILE DUCT", "LIVER, CAUDATE LOBE", "PORTAL VEIN"],
    "lung": ["LUNG, RIGHT MIDDLE LOBE", "MAIN BRONCHUS, LEFT", "TRACHEA", "PULMONARY VEIN"],
    "pleura": ["PLEURA", "PARIETAL PLEURA", "PLEURAL FLUID"],
    "heart": [
        *("PERICARDIUM", "CORONARY SINUS", "PULMONARY VALVE", "PAPILLARY MUSCLE", "HEART, SEPTUM"),
        *("LEFT VENTRICULAR MID ANTERIOR SEGMENT", "CORONARY ARTERY, LEFT", "MYOCARDIUM"),
    ],
    "chest": ["MEDIASTINUM, ANTERIOR", "THYMUS GLAND", "CHEST WALL", "BREAST", "NIPPLE", "AXILLA"],
    "abdomen": [
        *("ABDOMINAL CAVITY", "RETROPERITONEUM", "EPIGASTRIC REGION", "SUPRARENAL AORTA", "FLANK"),
        *("INFRARENAL AORTA", "SUPRAPUBIC REGION", "PERIUMBILICAL REGION"),
    ],
    "peritoneum": ["OMENTUM", "MESENTERY", "FALCIFORM LIGAMENT", "RECTO-UTERINE POUCH"],
    "adrenal": ["ADRENAL GLAND"],
    "kidney": ["KIDNEY, CORTEX", "RENAL PELVIS", "ACCESSORY RENAL ARTERY"],
    "pancreas": ["PANCREAS, HEAD", "PANCREAS, NECK", "UNCINATE PROCESS OF PANCREAS"],
    "spleen": ["SPLEEN", "SPLENIC VEIN"],
    "gr": [
        *("BLADDER, NECK", "CERVIX UTERI", "UTERUS", "PROSTATE GLAND", "BROAD LIGAMENT", "TESTIS"),
        *("URETHRA, PENILE", "PERIURETERAL REGION", "PLACENTA", "SCROTUM", "OVARY"),
    ],
    "muscle": [
        *("GASTROCNEMIUS MUSCLE", "NECK EXTENSOR MUSCLES", "GENIOGLOSSUS MUSCLE", "GLUTEUS MEDIUS"),
        *("RECTUS FEMORIS MUSCLE", "OBTURATOR INTERNUS MUSCLE", "TENSOR FASCIA LATA MUSCLE"),
    ],
    "skin": ["SKIN OF THE CHEST", "SKIN OF THE EAR", "SCALP", "ABDOMINAL SKIN", "NAIL", "EYEBROW"],
    "soft_tissue": ["SUBCUTIS", "ABDOMINAL WALL", "FEMORAL ARTERY", "SCIATIC NERVE", "SYNOVIUM"],
    "ln": ["LYMPH NODE", "ABDOMINAL LYMPH NODE", "PELVIC LYMPH NODE"],
    "ln_regional": ["REGIONAL LYMPH NODE", "MESENTERIC LYMPH NODE", "PERIRECTAL LYMPH NODE"],
    "ln_distal": [
        *("DISTANT LYMPH NODE", "SUPRACLAVICULAR LYMPH NODE", "AXILLARY LYMPH NODE LEVEL II"),
        *("HILAR LYMPH NODE", "PORTA HEPATIS LYMPH NODE", "PAROTID GLAND LYMPH NODE"),
    ],
    "other": ["ARM", "THIGH", "BACK", "TRUNK", "BLOOD", "HILAR"],
}

# Terms whose own words lead the patterns to another organ: the exact term must win over them.
PATTERNS_MISTAKE = """
    ASCENDING AORTA, SINUS OF VALSALVA|AXILLARY ARTERY|AXILLARY VEIN|BROAD LIGAMENT
    CALF MUSCULAR VEIN|EYEBROW|EYELASH|FACIAL NERVE|GUT-ASSOCIATED LYMPHOID TISSUE
    LOWER GASTROINTESTINAL TRACT LYMPH NODE|LYMPH NODE HILUM|MUSCULOSKELETAL SYSTEM
    NASAL SOFT TISSUE|OROPHARYNGEAL SOFT TISSUE|PERI-ORBITAL SOFT TISSUE|PULMONARY TRUNK
    ROUND LIGAMENT|UMBILICAL ARTERY|UMBILICAL CORD|UMBILICAL VEIN|UMBILICUS|VENOUS SINUS
    VERTEBRAL ARTERY
"""


@pytest.fixture(scope="module")
def terms():
    """A study whose lesions have every term of CDISC's list, plain and with a side."""
    with SqlKit() as kit:
        kit.build("staging.site_term")
        kit.study("s1")
        kit.subject("1")
        for (term,) in kit.query("SELECT term FROM staging.site_term ORDER BY term"):
            kit.add("pr", *({"usubjid": "1", "prloc": words.format(term)} for words in FORMS))
        kit.build("staging.site")
        yield kit


FORMS = ("{}", "{}, LEFT", "Right {}", "{} (L)", "bilateral {}")


def test_the_list_is_cdiscs(terms):
    """1,397 terms in the release of 2025-03-28, each with a code of its own."""
    counts = "count(*), count(DISTINCT term), count(DISTINCT code)"
    assert terms.query(f"SELECT {counts} FROM staging.site_term") == [(1397, 1397, 1397)]


@pytest.mark.parametrize("organ", ORGAN_OF_TERM)
def test_a_term_lies_in_its_organ(terms, organ):
    found = dict(terms.rows("staging.site", "site_raw, organ"))
    assert {term: found[term] for term in ORGAN_OF_TERM[organ]} == dict.fromkeys(
        ORGAN_OF_TERM[organ], organ
    )


def test_every_term_has_its_organ_with_and_without_a_side(terms):
    """BODY, the whole body, is the one term that names no place."""
    found = {
        words: (organ, is_mapped)
        for words, organ, is_mapped in terms.rows("staging.site", "site_raw, organ, is_mapped")
    }
    wanted = {
        words.format(term): (organ, term != "BODY")
        for term, organ in terms.rows("staging.site_term", "term, organ")
        for words in FORMS
    }
    assert {words: found[words] for words in wanted} == wanted
    assert [
        term for term, organ in terms.rows("staging.site_term", "term, organ", "organ = 'unknown'")
    ] == ["BODY"]


@pytest.mark.parametrize(
    ("words", "organs"),
    [
        (r"LYMPH NODE", {"ln", "ln_regional", "ln_distal"}),
        (r"\b(BONE|VERTEBRA|PHALANX|SPINE|FEMUR|RIB|SHAFT)\b(?!.*JOINT)", {"bone", "skin"}),
        (r"(?<!PAPILLARY )\bMUSCLES?\b", {"muscle"}),
        (r"^SKIN | SKIN$", {"skin"}),
        (r"^LUNG\b", {"lung"}),
        (r"^LIVER\b", {"liver"}),
        (r"^HEART\b|\bVENTRICULAR|VALVE", {"heart"}),
        (r"^BRAIN\b|CORTEX$(?<!KIDNEY, CORTEX)|GYRUS$", {"brain_cns"}),
        (r"^(COLON|ESOPHAGUS|GASTROINTESTINAL)\b(?!.*NODE)", {"gi_tract"}),
        (r"^(PROSTATE|BLADDER|URETHRA|PENIS|UTER\w+)\b", {"gr"}),
    ],
)
def test_terms_of_one_kind_lie_in_one_organ(terms, words, organs):
    listed = terms.rows("staging.site_term", "term, organ")
    found = {organ for term, organ in listed if re.search(words, term)}
    assert found
    assert found <= organs
    if "LYMPH" in words:
        assert {term for term, organ in listed if organ in organs} == {
            term for term, _ in listed if "LYMPH NODE" in term
        }


def test_patterns_and_terms_contradict_each_other_only_where_it_is_known(terms):
    rows = terms.query(
        """
        SELECT term.term FROM staging.site_term AS term
        INNER JOIN staging.site_map AS site_map
            ON regexp_matches(term.term, site_map.site_raw_pattern)
        GROUP BY term.term, term.organ
        HAVING arg_min(site_map.organ, site_map.priority) <> term.organ
        """
    )
    known = {term.strip() for line in PATTERNS_MISTAKE.split("\n") for term in line.split("|")}
    assert {row[0] for row in rows} == known - {""}


WORDS = {
    "Left femoral head": "bone",
    "femoral head (R)": "bone",
    "Presacral mass": "pelvis",
    "outer ear lesion": "head_neck",
    "supraclavicular mass": "head_neck",
    "Perinephric fat": "kidney",
    "Thoracic oesophagus": "gi_tract",
    "oral mucosa": "head_neck",
    "Lymphangitis carcinomatosa": "lung",
    "Liver, adjacent to right kidney": "liver",
    "Kidney, abutting the liver": "kidney",
    "Abdomen, liver": "liver",
    "Neck, lymph node": "ln_distal",
    "Dickdarm": "gi_tract",
    "Schenkelhals": None,
}


@pytest.mark.parametrize("site", WORDS)
def test_free_text_finds_its_organ(kit, site):
    kit.lesion("T01", tuloc=site)
    kit.build("staging.site")
    assert kit.rows("staging.site", "organ, is_mapped") == [
        (WORDS[site] or "unknown", WORDS[site] is not None)
    ]


def test_words_of_supptu_say_which_node_and_what_other_means(kit):
    kit.lesion("T01", tuseq="1", tuloc="LYMPH NODE", tulat="LEFT")
    kit.lesion("T02", tuseq="2", tuloc="OTHER")
    kit.lesion("T03", tuseq="3", tuloc="LIVER")
    kit.lesion("T04", tuseq="4")
    for sequence, name, words in (
        ("1", "TULOCDTL", "AXILLARY"),
        ("2", "TULOCOTH", "Omental nodule"),
        ("3", "TULOCDTL", "NEAR THE KIDNEY"),
        ("4", "LOCOTH", "spleen"),
        ("1", "PREVIR", "Y"),
        ("9", "TULOCOTH", "SKIN"),
    ):
        kit.add(
            "supptu",
            {"usubjid": "1", "idvar": "TUSEQ", "idvarval": sequence, "qnam": name, "qval": words},
        )
    kit.build("core.lesion", "quality.row_audit")
    assert kit.rows("core.lesion", "lesion_label, site_raw, organ, laterality") == [
        ("T01", "LYMPH NODE, AXILLARY", "ln_distal", "left"),
        ("T02", "OTHER, Omental nodule", "peritoneum", None),
        ("T03", "LIVER, NEAR THE KIDNEY", "liver", None),
        ("T04", "spleen", "spleen", None),
    ]
    step = "step = 'raw.supptu -> staging.tumor_site_detail'"
    columns = "rows_in, rows_out, rows_excluded, is_balanced"
    assert kit.rows("quality.row_audit", columns, step) == [(6, 4, 2, True)]


def test_the_dictionary_of_a_study_reads_tuloc_where_supptu_adds_words(kit):
    kit.add("study_site", {"site_raw": "code 7", "organ": "liver"})
    kit.add("study_site", {"site_raw": "code 7, dome", "organ": "chest"})
    kit.lesion("T01", tuloc="CODE 7, segment 8")
    kit.lesion("T02", tuloc="Code 7, Dome")
    kit.build("staging.site")
    assert kit.rows("staging.site", "site_raw, organ, is_study_dictionary") == [
        ("CODE 7, segment 8", "liver", True),
        ("Code 7, Dome", "chest", True),
    ]
