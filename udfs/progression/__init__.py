"""Sequences of progression across organs, and clusters of patients by them.

    sequences = sequences_of(patient, position, organ, days)
    found = cluster_sequences(sequences, Options(encoding="timed"), seed=1)
    found.chosen.k, found.chosen.label, found.is_stable
    describe_clusters(sequences, found.chosen.label, hetero_organs=3, display={})

``data`` holds sequences, ``encodings`` turns them into points or distances, ``partition`` and
``medoids`` find k clusters, ``criteria``, ``stability`` and ``chance`` judge them, ``cluster``
chooses k, ``naming`` names what was found, ``simulation`` plants groups.
"""

from udfs.progression.cluster import Candidate, Clustering, Options, cluster_sequences, n_points
from udfs.progression.data import NONE, Sequences, sequences_of
from udfs.progression.naming import ClusterContent, describe_clusters
from udfs.progression.simulation import PlantedSequences, simulate_sequences
from udfs.progression.stability import adjusted_rand_index

__all__ = [
    "NONE",
    "Candidate",
    "ClusterContent",
    "Clustering",
    "Options",
    "PlantedSequences",
    "Sequences",
    "adjusted_rand_index",
    "cluster_sequences",
    "describe_clusters",
    "n_points",
    "sequences_of",
    "simulate_sequences",
]
