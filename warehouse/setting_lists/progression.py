"""Settings of progression sequences and of their prediction."""

from __future__ import annotations

from warehouse.setting_lists.setting import Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "progression.event_source",
        "combined",
        "times of progression in sequences: combined, target lesions by the growth model where it "
        "has them, others as seen on scans (Zhou 2023); observed, all on scans; modelled, target "
        "lesions on their curve only",
        choices=("observed", "combined", "modelled"),
    ),
    Setting(
        "progression.sites",
        "organ",
        "what progresses one after another: organs, or each organ's lesions numbered by size (for "
        "projects whose lesions lie in one organ)",
        choices=("organ", "lesion"),
    ),
    Setting(
        "progression.ties",
        "arbitrary",
        "order of organs that progress on one day and had their last scan without it on one day: "
        "arbitrary but the same in every run, or that of core.organ",
        choices=("arbitrary", "organ_order"),
    ),
    Setting(
        "progression.encoding",
        "timed",
        "what clusters of sequences are made of: timed, which organs have progressed by when "
        "(k-medoids); published, one-hot organ at each place with softmax (k-means, Zhou 2023)",
        choices=("timed", "published"),
    ),
    Setting(
        "progression.half_life_days",
        180.0,
        "timed: a progression so many days after the first counts half",
        minimum=1.0,
    ),
    Setting(
        "progression.counts_from",
        "first_progression",
        "timed: days count from the patient's first progression, or from the first dose",
        choices=("first_progression", "first_dose"),
    ),
    Setting("progression.k", 0, "number of clusters; 0 lets progression.k_rule choose", minimum=0),
    Setting("progression.k_max", 8, "largest number of clusters tried", minimum=2),
    Setting(
        "progression.k_rule",
        "silhouette",
        "how the number of clusters is chosen; silhouette: the fewest that bootstrap samples find "
        "again, that are beyond chance, and whose silhouette is near the best",
        choices=("silhouette", "elbow", "aic", "bic", "concordance"),
    ),
    Setting(
        "progression.starts",
        10,
        "starts of each clustering, the best counts; published has twenty times as many",
        minimum=1,
    ),
    Setting(
        "progression.resamples",
        50,
        "bootstrap samples in which clusters are sought again; 0 for none, and stability is then "
        "not asked for",
        minimum=0,
    ),
    Setting(
        "progression.shuffles",
        10,
        "sets of random sequences that clusters are held against",
        minimum=1,
    ),
    Setting(
        "progression.no_progression",
        "own_level",
        "patients without a progressive organ: a level of their own beside the clusters, or "
        "clustered with the others",
        choices=("own_level", "clustered"),
    ),
    Setting(
        "progression.hetero_organs",
        3.0,
        "a cluster is Hetero-Organ from this mean number of progressive organs on; where there is "
        "none, the second round takes patients with as many organs",
        minimum=1.0,
    ),
    Setting(
        "progression.fewest_patients",
        50,
        "fewer patients with a progression are not clustered",
        minimum=10,
    ),
    Setting(
        "progression.landmarks",
        "90, 180, 365",
        "days from first dose at which patients are grouped by what had progressed until then "
        "and followed from there, commas between",
    ),
    Setting(
        "progression.chain_resamples",
        200,
        "bootstrap samples of patients for the limits of the Markov chain over organs; 0 for none",
        minimum=0,
    ),
    Setting(
        "progression.new_organ_horizon_days",
        180,
        "days after a landmark within which a lesion in a new organ is predicted",
        minimum=1,
        maximum=3652,
    ),
    Setting(
        "progression.death_window_days",
        112,
        "a death so many days after the last scan or earlier ends the wait for a progression as "
        "competing event (two visits of eight weeks); later ones leave it censored at the scan",
        minimum=0,
    ),
    Setting(
        "prediction.grid_search",
        False,
        "whether the boosting's learning rate, leaves and weights of the classes are sought by "
        "macro F1 within each training set, of folds and of trials (takes minutes)",
    ),
    Setting(
        "prediction.folds",
        5,
        "folds of the cross-validation: 5 is a 4:1 split; no more than the smallest predicted "
        "cluster has patients",
        minimum=2,
    ),
    Setting(
        "prediction.no_progression",
        "class",
        "patients without a progressive organ: a class to be predicted, or left out (they are "
        "known only when the scans have ended)",
        choices=("class", "left_out"),
    ),
    Setting(
        "prediction.fewest_patients",
        25,
        "clusters of fewer patients are not predicted",
        minimum=10,
    ),
    Setting(
        "prediction.resamples",
        1000,
        "resamples of the patients held back, for the limits of averaged ROC areas",
        minimum=100,
    ),
    Setting("prediction.iterations", 60, "iterations of the gradient boosting", minimum=1),
    Setting(
        "prediction.learning_rate",
        0.1,
        "its learning rate; prediction.grid_search seeks it instead",
        minimum=0.001,
    ),
    Setting(
        "prediction.leaves",
        4,
        "most leaves of its trees; prediction.grid_search seeks them instead",
        minimum=2,
    ),
)
