# Simulates lesions.csv and writes what coxme and survival say of it: reference.json.
# Run in this folder: Rscript reference.R
suppressMessages({
  library(survival)
  library(coxme)
  library(jsonlite)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1720)

# 150 patients with 1 to 8 lesions, scans every six weeks (many ties); some enter late.
patients <- 150
effect <- rnorm(patients, 0, .8)
trial <- sample(c("one", "two"), patients, TRUE)
treated <- rbinom(patients, 1, .5)
patient <- rep(1:patients, sample(1:8, patients, TRUE, c(2, 3, 4, 3, 2, 2, 1, 1)))
n <- length(patient)
organs <- c("bone", "liver", "lung", "node")
lesions <- data.frame(
  patient = patient, trial = trial[patient], treated = treated[patient],
  organ = sample(organs, n, TRUE, c(.15, .4, .3, .15)), log_size = round(rnorm(n, 3, .5), 2)
)
risk <- with(lesions, c(.3, 0, -.4, .2)[match(organ, organs)] - .5 * treated +
  .4 * (log_size - 3) + .3 * (trial == "two") + effect[patient])
event <- rexp(n, exp(risk) / 200)
end <- runif(patients, 100, 600)[patient]
lesions$start <- 42 * rbinom(n, 3, .2)
lesions$stop <- lesions$start + 42 * ceiling(pmin(event, end) / 42)
lesions$status <- as.integer(event <= end)
write.csv(lesions, "lesions.csv", row.names = FALSE, quote = FALSE)
lesions$organ <- relevel(factor(lesions$organ), "liver")

# Every pair of patients in the Hessian; by default coxme leaves out the products between patients.
tight <- coxme.control(
  sparse = c(1e5, 1e-9), eps = 1e-12, toler.chol = 1e-14, inner.iter = quote(100), iter.max = 200
)
mixed <- function(formula, ties = "efron", ...) {
  coxme(formula, lesions, ties = ties, control = tight, ...)
}
described <- function(fit) {
  v <- as.matrix(vcov(fit))
  random <- ranef(fit)$patient
  list(
    ties = fit$ties, coef = as.list(fixef(fit)), se = as.list(setNames(sqrt(diag(v)), names(fixef(fit)))),
    vcov = unname(v), variance = unname(VarCorr(fit)$patient[[1]]), loglik_null = unname(fit$loglik[1]),
    loglik_integrated = unname(fit$loglik[2]), loglik_penalized = unname(fit$loglik[3]),
    loglik_partial = unname(fit$loglik[3] + fit$penalty), ranef = as.list(random)
  )
}
# The variance where the integrated likelihood of fits at given variances is highest.
at_maximum <- function(formula, ties = "efron") {
  profile <- function(log_variance) mixed(formula, ties, vfixed = list(exp(log_variance)))$loglik[2]
  best <- optimize(profile, log(c(.1, 3)), maximum = TRUE, tol = 1e-7)
  described(mixed(formula, ties, vfixed = list(exp(best$maximum))))
}
by_term <- function(x) data.frame(term = rownames(x), x, check.names = FALSE, row.names = NULL)
naive <- function(formula, ties = "efron") {
  fit <- do.call("coxph", list(formula, lesions, ties = ties))
  s <- summary(fit)
  hazard <- basehaz(fit, centered = FALSE)
  if (is.null(hazard$strata)) hazard$strata <- "all"
  list(
    ties = ties, coef = as.list(coef(fit)), se = as.list(setNames(sqrt(diag(vcov(fit))), names(coef(fit)))),
    loglik = fit$loglik, hr_ci = by_term(s$conf.int), coef_table = by_term(s$coefficients),
    hazard = hazard, zph = by_term(cox.zph(fit)$table)
  )
}
# cox.zph with the effects of the mixed model as an offset: as if they were known.
given_effects <- function(fit) {
  u <- unlist(fit$ranef)[as.character(lesions$patient)]
  known <- coxph(Surv(stop, status) ~ organ + treated + log_size + offset(u), lesions)
  by_term(cox.zph(known)$table)
}
plain <- Surv(stop, status) ~ organ + treated + log_size + (1 | patient)
late <- Surv(start, stop, status) ~ organ + treated + log_size + strata(trial) + (1 | patient)
variances <- c(.05, .2, .6, 1.5)
answers <- list(
  mixed = list(plain = at_maximum(plain), breslow = at_maximum(plain, "breslow"), late = at_maximum(late)),
  own_search = list(plain = described(mixed(plain)), late = described(mixed(late))),
  profile = lapply(variances, function(v) described(mixed(plain, vfixed = list(v)))[
    c("variance", "loglik_integrated", "loglik_penalized", "coef")
  ]),
  naive = list(
    plain = naive(Surv(stop, status) ~ organ + treated + log_size),
    breslow = naive(Surv(stop, status) ~ organ + treated + log_size, "breslow"),
    late = naive(Surv(start, stop, status) ~ organ + treated + log_size + strata(trial))
  ),
  zph_given_effects = given_effects(at_maximum(plain)),
  versions = list(
    R = R.version.string, coxme = as.character(packageVersion("coxme")),
    bdsmatrix = as.character(packageVersion("bdsmatrix")),
    survival = as.character(packageVersion("survival"))
  )
)
write_json(answers, "reference.json", auto_unbox = TRUE, digits = NA, pretty = FALSE, na = "null")
print(sapply(c(answers$mixed, answers$own_search), function(x) c(x$variance, x$loglik_integrated)), digits = 12)
