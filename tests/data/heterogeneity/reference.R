# Simulates lesions and patients and writes R's Gower dissimilarities of them, cluster::daisy.
# Run in this folder: Rscript reference.R
library(cluster)
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1719)

n <- 24
complete <- data.frame(
  id = sprintf("L%02d", 1:n), diam = round(exp(rnorm(n, 3, .5)), 1),
  growth = round(rnorm(n, 0, .02), 4), kkill = signif(exp(rnorm(n, -3.5, 1)), 4), const = 5,
  liver = rbinom(n, 1, .35), lung = rbinom(n, 1, .3), node = rbinom(n, 1, .15),
  female = rbinom(n, 1, .5), new = rbinom(n, 1, .5)
)
missing <- complete
for (name in c("diam", "growth", "kkill", "liver", "node", "female", "new")) {
  missing[sample(n, 3), name] <- NA
}
# Two lesions of which nothing is known but that they are in none of the organs: no dissimilarity.
missing[c(22, 23), c("diam", "growth", "kkill", "const", "female", "new")] <- NA
missing[c(22, 23), c("liver", "lung", "node")] <- 0
patients <- data.frame(
  id = 1:20, age = round(rnorm(20, 60, 8)), race = factor(sample(c("a", "b", "c"), 20, TRUE)),
  er = sample(0:1, 20, TRUE), grade = sample(1:3, 20, TRUE), ld0 = round(exp(rnorm(20, 3.5, .4))),
  ld1 = round(exp(rnorm(20, 3.2, .5)))
)
patients[c(3, 11), "ld1"] <- NA
patients[7, "race"] <- NA
patients[15, "grade"] <- NA
save <- function(d, file) write.csv(d, paste0(file, ".csv"), row.names = FALSE, na = "", quote = FALSE)
save(complete, "input_complete")
save(missing, "input_missing")
save(complete[1:4, ], "input_patient4")
save(patients, "input_patients")

write_pairs <- function(file, d, columns, type = list(), ...) {
  m <- as.matrix(suppressWarnings(daisy(d[columns], metric = "gower", type = type, ...)))
  at <- which(lower.tri(m), arr.ind = TRUE)
  value <- ifelse(is.na(m[at]), "NA", formatC(m[at], digits = 15, format = "g"))
  save(data.frame(i = d$id[at[, 2]], j = d$id[at[, 1]], dissimilarity = value), file)
}
numbers <- c("diam", "growth", "kkill")
asymmetric <- c("liver", "lung", "node")
symmetric <- c("female", "new")
binary <- list(asymm = asymmetric, symm = symmetric)
all <- c(numbers, asymmetric, symmetric)
write_pairs("out_complete", complete, all, binary)
write_pairs("out_missing", missing, all, binary)
write_pairs("out_missing_weighted", missing, all, binary, weights = c(2, 1, 1, 1, 1, 1, .5, .5))
write_pairs("out_missing_with_constant", missing, c(numbers, "const", asymmetric, symmetric), binary)
write_pairs("out_numeric_only", complete, numbers)
write_pairs("out_asymm_only", complete, asymmetric, list(asymm = asymmetric))
write_pairs("out_undeclared_binary", complete, all) # taken as numbers, with a warning
write_pairs("out_complete_logratio", complete, c("diam", "kkill"), list(logratio = "kkill"))
write_pairs("out_complete_ordratio", complete, c("diam", "kkill"), list(ordratio = "diam"))
write_pairs("out_patient4", complete[1:4, ], c(numbers, "liver", "lung"), list(asymm = c("liver", "lung")))
patients$er <- factor(patients$er)
patients$grade <- ordered(patients$grade)
mixed <- c("age", "race", "er", "grade", "ld0", "ld1")
write_pairs("out_patients", patients, mixed)
write_pairs("out_patients_weighted", patients, mixed, weights = c(1, 1, 1, 2, 2, 2))
cat(R.version.string, "cluster", as.character(packageVersion("cluster")), "\n")
