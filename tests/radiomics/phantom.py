"""The digital phantom of the IBSI, and images to extract features from.

Phantom and reference values: Image Biomarker Standardisation Initiative, Reference Manual,
arXiv:1612.07003 (CC BY 4.0): 5 x 4 x 4 voxels of 2 mm, 74 of them in the region.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

# Slices by z, rows by y; 0 stands for a voxel outside the region.
PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ]
)
# Column of ours: reference value and tolerance; textures in 3D, matrices merged (IAZD).
IBSI = {
    "mirp_shape_volume_mm3": (556, 4),
    "mirp_shape_vol_approx_mm3": (592, 4),
    "mirp_shape_area_mesh_mm2": (388, 3),
    "mirp_shape_av": (0.698, 0.004),
    "mirp_shape_comp_1": (0.0411, 0.0003),
    "mirp_shape_comp_2": (0.599, 0.004),
    "mirp_shape_sph_dispr": (1.19, 0.01),
    "mirp_shape_sphericity": (0.843, 0.005),
    "mirp_shape_asphericity": (0.186, 0.001),
    "mirp_shape_com_mm": (0.672, 0.004),
    "mirp_shape_diam_mm": (13.1, 0.1),
    "mirp_shape_pca_maj_axis_mm": (11.4, 0.1),
    "mirp_shape_pca_min_axis_mm": (9.31, 0.06),
    "mirp_shape_pca_least_axis_mm": (8.54, 0.05),
    "mirp_shape_pca_elongation": (0.816, 0.005),
    "mirp_shape_pca_flatness": (0.749, 0.005),
    "mirp_shape_vol_dens_aabb": (0.869, 0.005),
    "mirp_shape_area_dens_aabb": (0.866, 0.005),
    "mirp_shape_vol_dens_conv_hull": (0.961, 0.006),
    "mirp_shape_integ_int": (1200, 10),
    "mirp_shape_moran_i": (0.0397, 0.0003),
    "mirp_shape_geary_c": (0.974, 0.006),
    # From here on the manual's three digits are exact: half a unit of the last one.
    "mirp_firstorder_mean": (2.15, 0.005),
    "mirp_firstorder_var": (3.05, 0.005),
    "mirp_firstorder_skew": (1.08, 0.005),
    "mirp_firstorder_kurt": (-0.355, 0.0005),
    "mirp_firstorder_median": (1, 0),
    "mirp_firstorder_min": (1, 0),
    "mirp_firstorder_p10": (1, 0),
    "mirp_firstorder_p90": (4, 0),
    "mirp_firstorder_max": (6, 0),
    "mirp_firstorder_iqr": (3, 0),
    "mirp_firstorder_range": (5, 0),
    "mirp_firstorder_mad": (1.55, 0.005),
    "mirp_firstorder_rmad": (1.11, 0.005),
    "mirp_firstorder_medad": (1.15, 0.005),
    "mirp_firstorder_cov": (0.812, 0.0005),
    "mirp_firstorder_qcod": (0.6, 0.0005),
    "mirp_firstorder_energy": (567, 0.5),
    "mirp_firstorder_rms": (2.77, 0.005),
    "mirp_firstorder_entropy": (1.27, 0.005),
    "mirp_firstorder_uniformity": (0.512, 0.0005),
    "mirp_glcm_joint_max": (0.509, 0.0005),
    "mirp_glcm_joint_avg": (2.15, 0.005),
    "mirp_glcm_joint_var": (3.13, 0.005),
    "mirp_glcm_joint_entr": (2.57, 0.005),
    "mirp_glcm_diff_avg": (1.38, 0.005),
    "mirp_glcm_diff_var": (3.21, 0.005),
    "mirp_glcm_diff_entr": (1.64, 0.005),
    "mirp_glcm_energy": (0.291, 0.0005),
    "mirp_glcm_contrast": (5.12, 0.005),
    "mirp_glcm_inv_diff": (0.688, 0.0005),
    "mirp_glcm_inv_diff_mom": (0.631, 0.0005),
    "mirp_glcm_inv_var": (0.0574, 0.00005),
    "mirp_glcm_corr": (0.183, 0.0005),
    "mirp_glcm_auto_corr": (5.19, 0.005),
    "mirp_glcm_clust_tend": (7.41, 0.005),
    "mirp_glcm_clust_shade": (17.4, 0.05),
    "mirp_glcm_clust_prom": (147, 0.5),
    "mirp_glcm_info_corr1": (-0.0288, 0.00005),
    "mirp_glcm_info_corr2": (0.269, 0.0005),
    "mirp_glrlm_sre": (0.729, 0.0005),
    "mirp_glrlm_lre": (2.76, 0.005),
    "mirp_glrlm_lgre": (0.607, 0.0005),
    "mirp_glrlm_hgre": (9.64, 0.005),
    "mirp_glrlm_glnu": (281, 0.5),
    "mirp_glrlm_rlnu": (328, 0.5),
    "mirp_glrlm_r_perc": (0.68, 0.0005),
    "mirp_glrlm_rl_entr": (2.62, 0.005),
    "mirp_glszm_sze": (0.255, 0.0005),
    "mirp_glszm_lze": (550, 0.5),
    "mirp_glszm_zs_var": (331, 0.5),
    "mirp_glszm_zs_entr": (2.32, 0.005),
    "mirp_glszm_z_perc": (0.0676, 0.00005),
    "mirp_gldm_lde": (0.045, 0.00005),
    "mirp_gldm_hde": (109, 0.5),
    "mirp_gldm_hdhge": (235, 0.5),
    "mirp_gldm_dc_var": (22.1, 0.05),
    "mirp_gldm_dc_entr": (4.4, 0.005),
    "mirp_ngtdm_coarseness": (0.0296, 0.00005),
    "mirp_ngtdm_contrast": (0.584, 0.0005),
    "mirp_ngtdm_busyness": (6.54, 0.005),
    "mirp_ngtdm_complexity": (13.5, 0.05),
    "mirp_ngtdm_strength": (0.763, 0.0005),
}


def write_nifti(array: Any, file: Path, spacing: float) -> None:
    """An array (z, y, x) as NIfTI."""
    import itk

    image = itk.image_from_array(np.ascontiguousarray(array))
    image.SetSpacing([spacing] * 3)
    itk.imwrite(image, str(file))


def write_dicom(array: Any, folder: Path, spacing: float) -> list[Any]:
    """An array (z, y, x) as a CT series, one file per slice; the slices' data sets."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir()
    study, series, frame = (generate_uid() for _ in range(3))
    slices = []
    for number, pixels in enumerate(array):
        one = Dataset()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = CTImageStorage
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        one.PatientID, one.PatientName, one.Modality = "P1", "P1", "CT"
        one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = study, series, frame
        one.StudyDate = one.SeriesDate = "20200101"
        one.StudyTime = one.SeriesTime = "120000"
        one.InstanceNumber = number + 1
        one.ImagePositionPatient = [0.0, 0.0, spacing * number]
        one.ImageOrientationPatient = [1.0, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.SliceThickness = [spacing, spacing], spacing
        one.SpacingBetweenSlices = spacing
        one.Rows, one.Columns = pixels.shape
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated = one.BitsStored = 16
        one.HighBit, one.PixelRepresentation = 15, 1
        one.RescaleIntercept, one.RescaleSlope = 0, 1
        one.PixelData = pixels.astype("<i2").tobytes()
        one.save_as(folder / f"{number:03d}.dcm", enforce_file_format=True)
        slices.append(one)
    return slices


def write_dicom_seg(mask: Any, slices: list[Any], file: Path) -> None:
    """A mask (z, y, x) as DICOM SEG with one segment called 'tumor'."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage, generate_uid

    first = slices[0]
    seg = Dataset()
    seg.file_meta = FileMetaDataset()
    seg.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    seg.SOPClassUID = seg.file_meta.MediaStorageSOPClassUID = SegmentationStorage
    seg.SOPInstanceUID = seg.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    seg.PatientID, seg.PatientName, seg.Modality = first.PatientID, first.PatientName, "SEG"
    seg.StudyInstanceUID, seg.FrameOfReferenceUID = (
        first.StudyInstanceUID,
        first.FrameOfReferenceUID,
    )
    seg.SeriesInstanceUID = generate_uid()
    seg.StudyDate = seg.SeriesDate = "20200101"
    seg.StudyTime = seg.SeriesTime = "120000"
    seg.SegmentationType, seg.NumberOfFrames = "BINARY", len(slices)
    seg.Rows, seg.Columns = first.Rows, first.Columns
    seg.SamplesPerPixel, seg.PhotometricInterpretation = 1, "MONOCHROME2"
    seg.BitsAllocated = seg.BitsStored = 1
    seg.HighBit = seg.PixelRepresentation = 0
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel = 1, "tumor"
    segment.SegmentAlgorithmType = "MANUAL"
    seg.SegmentSequence = Sequence([segment])
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = first.PixelSpacing, first.SliceThickness
    measures.SpacingBetweenSlices = first.SpacingBetweenSlices
    orientation.ImageOrientationPatient = first.ImageOrientationPatient
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    seg.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for one in slices:
        position, identification, frame = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = one.ImagePositionPatient
        identification.ReferencedSegmentNumber = 1
        frame.PlanePositionSequence = Sequence([position])
        frame.SegmentIdentificationSequence = Sequence([identification])
        frames.append(frame)
    seg.PerFrameFunctionalGroupsSequence = Sequence(frames)
    bits = np.packbits(np.asarray(mask, dtype=np.uint8).ravel(), bitorder="little").tobytes()
    seg.PixelData = bits + b"\0" * (len(bits) % 2)
    seg.save_as(file, enforce_file_format=True)
