# Simulates kinetics.csv and writes lines through it, by R: reference.json.
# Run in this folder: Rscript reference.R
suppressMessages({
  library(survival)
  library(nlme)
  library(mvtnorm)
  library(jsonlite)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1723)

# 40 patients, five visits, a marker with a limit of 0.1; at most three results below it each (more
# than three: simulated again), so that their joint probability is known exactly.
limit <- .1
day <- c(0, 21, 42, 63, 84)
simulated <- function(patient) {
  repeat {
    y <- rnorm(1, .2, 1) + rnorm(1, -.02, .012) * day + rnorm(5, 0, .35)
    if (sum(y < log(limit)) <= 3) break
  }
  value <- pmax(signif(exp(y), 6), limit)
  data.frame(
    patient_id = sprintf("P%02d", patient), day = day + ifelse(day > 0, sample(-3:3, 5, TRUE), 0),
    value = value, is_below_limit = as.integer(y < log(limit))
  )
}
d <- do.call(rbind, lapply(1:40, simulated))
write.csv(d, "kinetics.csv", row.names = FALSE, quote = FALSE)
d$y <- log(d$value)
series <- split(d, d$patient_id)

tobit <- do.call(rbind, lapply(series, function(one) {
  known <- sum(!one$is_below_limit)
  answer <- data.frame(patient_id = one$patient_id[1], n_above_limit = known, slope = NA, sigma = NA, loglik = NA)
  if (known < 3) return(answer)
  fit <- survreg(Surv(y, 1 - is_below_limit, type = "left") ~ day, one,
    dist = "gaussian", control = survreg.control(rel.tolerance = 1e-12, maxiter = 500)
  )
  answer[3:5] <- c(coef(fit)["day"], fit$scale, fit$loglik[2])
  answer
}))

# The likelihood of a population of lines: results above the limit are normal, those below have a
# normal probability given them (mvtnorm: TVPACK, exact in two and three dimensions).
loglik_of <- function(one, mean, between, sigma) {
  x <- cbind(1, one$day)
  mu <- drop(x %*% mean)
  v <- x %*% between %*% t(x) + diag(sigma^2, nrow(x))
  below <- one$is_below_limit == 1
  total <- 0
  if (any(!below)) {
    total <- dmvnorm(one$y[!below], mu[!below], v[!below, !below, drop = FALSE], log = TRUE)
    if (any(below)) {
      gain <- v[below, !below, drop = FALSE] %*% solve(v[!below, !below])
      mu_below <- mu[below] + drop(gain %*% (one$y[!below] - mu[!below]))
      v_below <- v[below, below, drop = FALSE] - gain %*% v[!below, below, drop = FALSE]
    }
  } else {
    mu_below <- mu
    v_below <- v
  }
  if (any(below)) {
    sd <- sqrt(diag(v_below))
    z <- (log(limit) - mu_below) / sd
    p <- if (length(z) == 1) pnorm(z) else {
      as.numeric(pmvnorm(upper = z, corr = cov2cor(v_below), algorithm = TVPACK(abseps = 1e-12)))
    }
    total <- total + log(p)
  }
  total
}
loglik <- function(theta) {
  between <- diag(exp(2 * theta[3:4]))
  sum(sapply(series, loglik_of, mean = theta[1:2], between = between, sigma = exp(theta[5])))
}
scale <- c(1, .01, 1, 1, 1)
best <- optim(c(.2, -2, 0, log(.01), log(.3)), function(x) -loglik(x * scale),
  method = "BFGS", control = list(reltol = 1e-14, maxit = 500), hessian = TRUE
)
theta <- best$par * scale
error <- sqrt(diag(solve(best$hessian))) * scale
given <- c(.1, -.015, log(.9), log(.01), log(.4))

# Without a limit, lme by maximum likelihood: the same values taken as measured.
lines <- lme(y ~ day, d, ~ day | patient_id, method = "ML", control = lmeControl(
  opt = "optim", msMaxIter = 500, tolerance = 1e-12, msTol = 1e-14, reltol = 1e-14
))
between <- getVarCov(lines)
answers <- list(
  tobit = tobit,
  censored = list(
    given = list(mean = given[1:2], sd = exp(given[3:4]), sigma = exp(given[5]), loglik = loglik(given)),
    estimate = list(mean = theta[1:2], sd = exp(theta[3:4]), sigma = exp(theta[5])),
    error_of_mean = error[1:2], error_of_log = error[3:5], loglik = -best$value
  ),
  measured = list(
    mean = unname(fixef(lines)), sd = unname(sqrt(diag(between))),
    correlation = between[1, 2] / sqrt(between[1, 1] * between[2, 2]), sigma = lines$sigma,
    standard_error = unname(sqrt(diag(vcov(lines)))), loglik = as.numeric(logLik(lines))
  ),
  versions = list(
    R = R.version.string, survival = as.character(packageVersion("survival")),
    nlme = as.character(packageVersion("nlme")), mvtnorm = as.character(packageVersion("mvtnorm"))
  )
)
rownames(answers$tobit) <- NULL
write_json(answers, "reference.json", auto_unbox = TRUE, digits = NA, pretty = TRUE, na = "null")
