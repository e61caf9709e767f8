"""Radiomic heterogeneity between a patient's lesions, and what looking at a few of them loses.

Source: Henry et al., Sci Rep 2022, 'Investigation of radiomics based intra-patient inter-tumor
heterogeneity and the impact of tumor subsampling strategies'. ``variation`` has the coefficients
of variation, ``agreement`` Lin's concordance, ``clusters`` redundant features, ``distances``
cosine distances and the two indices, ``groups`` few against many lesions, ``strategies``,
``recovery`` and ``sampling`` the sampling study.
"""
