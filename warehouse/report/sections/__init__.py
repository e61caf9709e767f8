"""The report's chapters, each figure declared once.

To add a figure: write a mart table ``fig_...`` and add a ``Figure`` to the chapter that it belongs
to. It names the table, the chart with its options (``assets/charts_*.js``), the method and what is
counted. A figure whose table is missing or empty is left out, with a sentence that says so.
"""

from warehouse.report.parts import Section
from warehouse.report.sections.biomarkers import BIOMARKERS
from warehouse.report.sections.cohort import COHORT
from warehouse.report.sections.growth import GROWTH
from warehouse.report.sections.hazards import HAZARDS
from warehouse.report.sections.heterogeneity import HETEROGENEITY
from warehouse.report.sections.joint import JOINT
from warehouse.report.sections.measurements import MEASUREMENTS
from warehouse.report.sections.papers import PAPERS
from warehouse.report.sections.patients import PATIENTS
from warehouse.report.sections.progression import PROGRESSION
from warehouse.report.sections.quality import QUALITY
from warehouse.report.sections.radiomics import RADIOMICS

SECTIONS: tuple[Section, ...] = (
    COHORT,
    MEASUREMENTS,
    PATIENTS,
    GROWTH,
    HAZARDS,
    JOINT,
    HETEROGENEITY,
    PROGRESSION,
    BIOMARKERS,
    RADIOMICS,
    QUALITY,
    PAPERS,
)
