# Simulates trial.csv and writes what R's survival says of it: survival_reference.json, km_arm.csv.
# Run in this folder: Rscript reference.R
suppressMessages({
  library(survival)
  library(survRM2)
  library(jsonlite)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1717)

# 240 patients of 4 sites and 3 arms, weeks in whole numbers (many ties), out at random.
n <- 240
trial <- data.frame(
  patient = 1:n,
  arm = sample(c("control", "single", "double"), n, TRUE),
  site = sample(1:4, n, TRUE),
  age = round(rnorm(n, 62, 9)),
  ps = sample(0:2, n, TRUE, c(.4, .4, .2)),
  female = rbinom(n, 1, .4)
)
risk <- with(trial, .03 * (age - 62) + .4 * ps - .3 * female -
  c(control = 0, single = .3, double = .6)[arm] + c(0, .3, -.2, .1)[site])
death <- rexp(n, exp(risk) / 60)
out <- runif(n, 20, 200)
trial$time <- ceiling(pmin(death, out))
trial$status <- as.integer(death <= out)
write.csv(trial, "trial.csv", row.names = FALSE, quote = FALSE)

trial$arm <- factor(trial$arm, c("control", "single", "double"))

km <- function(formula, times, interval = "log") {
  fit <- survfit(formula, trial, conf.type = interval)
  table <- summary(fit)$table
  at <- summary(fit, times = times, extend = TRUE)
  by_group <- function(x) data.frame(stratum = rownames(x), x, check.names = FALSE, row.names = NULL)
  list(
    conf.type = interval,
    table = by_group(table),
    quantiles = lapply(quantile(fit, c(.25, .5, .75)), by_group),
    at_times = data.frame(
      stratum = as.character(at$strata), time = at$time, surv = at$surv,
      lower = at$lower, upper = at$upper
    )
  )
}
curve <- function(formula, file) {
  fit <- survfit(formula, trial)
  numbers <- sapply(
    unclass(fit)[c("surv", "std.err", "lower", "upper")], function(x) formatC(x, digits = 15, format = "g")
  )
  colnames(numbers)[2] <- "std.err_log"
  write.csv(
    data.frame(
      stratum = rep(names(fit$strata), fit$strata), time = fit$time, n.risk = fit$n.risk,
      n.event = fit$n.event, n.censor = fit$n.censor, numbers
    ),
    file, row.names = FALSE, quote = FALSE
  )
}
log_rank <- function(formula, rho = 0) {
  fit <- survdiff(formula, trial, rho = rho)
  sum_up <- function(x) if (is.matrix(x)) rowSums(x) else x
  df <- sum(sum_up(fit$exp) > 0) - 1
  list(
    rho = rho, n = as.vector(fit$n), obs = sum_up(fit$obs), exp = sum_up(fit$exp), var = fit$var,
    chisq = fit$chisq, df = df, p = pchisq(fit$chisq, df, lower.tail = FALSE)
  )
}
by_term <- function(x) data.frame(term = rownames(x), x, check.names = FALSE, row.names = NULL)
cox <- function(formula, ties = "efron") {
  fit <- do.call("coxph", list(
    formula, trial, ties = ties, control = coxph.control(eps = 1e-14, iter.max = 50)
  ))
  s <- summary(fit)
  list(
    ties = ties, n = fit$n, nevent = fit$nevent, coef = as.list(coef(fit)),
    se = as.list(setNames(sqrt(diag(vcov(fit))), names(coef(fit)))),
    hr_ci = by_term(s$conf.int), coef_table = by_term(s$coefficients), loglik = fit$loglik,
    lrt = as.list(s$logtest), score = as.list(s$sctest)
  )
}
horizon <- 104
two <- subset(trial, arm != "single")
restricted <- summary(survfit(Surv(time, status) ~ arm, trial), rmean = horizon)$table
difference <- with(two, rmst2(time, status, as.integer(arm == "double"), tau = horizon))
when <- c(10, 40, 80, 120)
curve(Surv(time, status) ~ arm, "km_arm.csv")
answers <- list(
  km = list(
    arm = km(Surv(time, status) ~ arm, when),
    arm_loglog = km(Surv(time, status) ~ arm, when, "log-log"),
    arm_plain = km(Surv(time, status) ~ arm, when, "plain"),
    ps = km(Surv(time, status) ~ ps, when)
  ),
  restricted = list(
    horizon = horizon, table = data.frame(arm = levels(trial$arm), restricted[, c("rmean", "se(rmean)")],
      row.names = NULL, check.names = FALSE),
    double_less_control = as.list(setNames(difference$unadjusted.result[1, ], c("days", "lower", "upper", "p")))
  ),
  logrank = list(
    arm = log_rank(Surv(time, status) ~ arm),
    arm_rho1 = log_rank(Surv(time, status) ~ arm, 1),
    arm_strat_site = log_rank(Surv(time, status) ~ arm + strata(site))
  ),
  coxph = list(
    trial = cox(Surv(time, status) ~ arm + age + ps + female),
    trial_breslow = cox(Surv(time, status) ~ age + ps + female, "breslow"),
    trial_efron = cox(Surv(time, status) ~ age + ps + female),
    trial_strat_site = cox(Surv(time, status) ~ age + ps + female + strata(site))
  ),
  concordance = list(
    age = list(c = unname(concordance(Surv(time, status) ~ age, trial, reverse = TRUE)$concordance))
  ),
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
    survRM2 = as.character(packageVersion("survRM2")))
)
write_json(answers, "survival_reference.json", auto_unbox = TRUE, digits = NA, pretty = TRUE, na = "null")
