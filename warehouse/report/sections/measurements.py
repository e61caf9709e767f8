"""What the scans say of whole patients."""

from warehouse.report.parts import Count, Figure, Filter, Section

PATIENTS_SHOWN = Count("patients", distinct="patient_id")
BY_STUDY = Filter("study_id", "Study")

MEASUREMENTS = Section(
    "measurements",
    "Measurements",
    "Sums of diameters and overall responses by RECIST 1.1, derived from the analysis reader's "
    "lesions. On the waterfall and the spider plot, choose a point to open its patient below.",
    (
        Figure(
            name="waterfall",
            title="Best change of the sum of diameters (waterfall)",
            table="mart.fig_waterfall",
            query="SELECT * FROM mart.fig_waterfall ORDER BY bar_order",
            chart="waterfall",
            method="Smallest change from baseline up to and including the first overall "
            "progression, complete sums only. Best overall response by RECIST 1.1, not confirmed.",
            legend="One bar is one patient, worst change on the left. Dashed lines: +20 % and "
            "-30 %, the bounds of progression and partial response.",
            counts=(PATIENTS_SHOWN,),
            filters=(
                Filter("study_id", "Study", is_optional=True),
                Filter("treatment", "Treatment", is_optional=True),
            ),
        ),
        Figure(
            name="spider",
            title="Change of the sum of diameters over time (spider)",
            table="mart.fig_spider",
            tables=("mart.fig_waterfall",),
            query="SELECT spider.*, waterfall.best_overall_response FROM mart.fig_spider AS spider "
            "LEFT JOIN mart.fig_waterfall AS waterfall USING (patient_id) "
            "ORDER BY study_id, patient_id, day",
            chart="spider",
            method="Complete sums of the analysis reader, in percent of baseline. The heavy line "
            "is the median of the sums measured in each quarter of a year, as long as a tenth "
            "of the patients are; it is a median of those still measured, not of all.",
            legend="One line is one patient, coloured by best overall response.",
            counts=(PATIENTS_SHOWN, Count("sums of diameters")),
            filters=(
                BY_STUDY,
                Filter("best_overall_response", "Best response", is_optional=True),
            ),
        ),
        Figure(
            name="swimmer",
            title="Courses of patients (swimmer)",
            table="mart.fig_swimmer",
            query="SELECT * FROM mart.fig_swimmer ORDER BY study_id, patient_id, day, mark",
            chart="swimmer",
            method="First response, complete response, progression and new lesion by RECIST 1.1, "
            "derived; death and end of follow-up as the study states them.",
            legend="One lane is one patient, longest first, forty to a page. A lane ends at death "
            "or at the end of follow-up.",
            counts=(PATIENTS_SHOWN,),
            filters=(BY_STUDY, Filter("treatment", "Treatment", is_optional=True)),
        ),
        Figure(
            name="agreement",
            title="Responses derived from lesions against those reported",
            table="mart.fig_response_agreement",
            query="SELECT part, study_id, reader, derived, reported, is_equal, n "
            "FROM mart.fig_response_agreement ORDER BY part, study_id, reader, derived, reported",
            chart="heat",
            options={
                "x": "reported",
                "y": "derived",
                "value": "n",
                "xlabel": "Reported",
                "ylabel": "Derived",
                "order": ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "yes", "no"],
                "words": "assessments",
            },
            method="Assessments, counted by what was derived and what the study reports.",
            legend="Cells on the diagonal agree.",
            counts=(Count("assessments", total="n"),),
            filters=(
                Filter("part", "Response", "overall"),
                Filter("study_id", "Study", is_optional=True),
            ),
            if_empty="No study reports responses beside its lesions.",
        ),
    ),
)
