# Simulates survival.csv and writes what R says of it: reference.json.
# Run in this folder: Rscript reference.R
suppressMessages({
  library(survival)
  library(jsonlite)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1721)

# 160 patients: mean log growth rate, sum of diameters, arm; survival in days; and a prediction of
# surviving a year, worse than the truth.
n <- 160
d <- data.frame(
  patient = 1:n, log_kg_mean = round(rnorm(n, -6.2, .6), 4), sld0 = round(exp(rnorm(n, 4.3, .5)), 1),
  arm = rbinom(n, 1, .5)
)
location <- with(d, 4 - .45 * log_kg_mean - .2 * log(sld0) + .25 * arm)
death <- exp(location + .7 * rnorm(n))
out <- runif(n, 150, 1600)
d$os_days <- ceiling(pmin(death, out))
d$is_death <- as.integer(death <= out)
d$p_survive <- round(plogis(.8 * (location - 6) / .4 + rnorm(n, .5, .7)), 6)
write.csv(d, "survival.csv", row.names = FALSE, quote = FALSE)

exact <- survreg.control(rel.tolerance = 1e-14, maxiter = 100)
regression <- function(dist) {
  fit <- survreg(Surv(os_days, is_death) ~ log_kg_mean + log(sld0) + arm, d, dist = dist, control = exact)
  list(
    estimate = unname(c(coef(fit), log(fit$scale))), se = unname(sqrt(diag(vcov(fit)))),
    loglik = fit$loglik[2], aic = AIC(fit)
  )
}
# Mean survival of the patients of arm 1, and of the same with 0.7 times the growth rate.
lognormal <- survreg(Surv(os_days, is_death) ~ log_kg_mean + log(sld0) + arm, d, dist = "lognormal", control = exact)
treated <- subset(d, arm == 1)
slower <- transform(treated, log_kg_mean = log_kg_mean + log(.7))
alive <- function(group, t) {
  mean(plnorm(t, predict(lognormal, group, type = "lp"), lognormal$scale, lower.tail = FALSE))
}
median_of <- function(group) uniroot(function(t) alive(group, t) - .5, c(1, 1e5), tol = 1e-11)$root
when <- c(100, 300, 600, 1200)

# Prediction of a year, inverse probability of censoring weights by hand: G is survfit's curve of
# being censored, before a death, and at the window's end beyond it; who dies on a day cannot be
# censored on it any more.
window <- 365
censoring <- survfit(Surv(os_days - .25 * is_death, 1 - is_death) ~ 1, d)
g <- stepfun(censoring$time, c(1, censoring$surv))
just_before <- function(t) g(t - .5) # days are whole
case <- d$os_days <= window & d$is_death == 1
beyond <- d$os_days > window
weight <- ifelse(case, 1 / just_before(d$os_days), ifelse(beyond, 1 / g(window), 0))
risk <- 1 - d$p_survive
won <- outer(risk[case], risk[beyond], function(a, b) (a > b) + .5 * (a == b))
pair <- outer(weight[case], weight[beyond])
km <- summary(survfit(Surv(os_days, is_death) ~ 1, d), times = window)$surv
brier <- function(p) mean(weight * (case - (1 - p))^2)
fifth <- cut(rank(risk, ties.method = "first"), n * (0:5) / 5, labels = FALSE)
groups <- do.call(rbind, lapply(1:5, function(k) {
  one <- d[fifth == k, ]
  data.frame(
    n = nrow(one), mean_risk = mean(1 - one$p_survive),
    observed = 1 - summary(survfit(Surv(os_days, is_death) ~ 1, one), times = window, extend = TRUE)$surv
  )
}))
answers <- list(
  regression = sapply(c("lognormal", "weibull", "loglogistic"), regression, simplify = FALSE),
  new_arm = list(
    day = when, survival_arm1 = sapply(when, alive, group = treated),
    survival_new = sapply(when, alive, group = slower), medians = c(median_of(treated), median_of(slower))
  ),
  accuracy = list(
    window = window, auc = sum(pair * won) / sum(pair), brier = brier(d$p_survive), brier_of_curve = brier(km),
    observed_over_expected = n * (1 - km) / sum(risk), groups = groups
  ),
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")))
)
write_json(answers, "reference.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
