# Simulates lesions.csv and fits it by exact integration: reference.json, lesions_reference.csv.
# Run in this folder: Rscript reference.R
suppressMessages({
  library(numDeriv)
  library(jsonlite)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1724)

# 60 lesions, baseline on the first day of dose, then every 56 days; below 300 mm3 a volume is only
# known to be below. V = V0 (exp(kg t) + exp(-kd t) - 1), a size's error is proportional to V.
n <- 60
limit <- 300
truth <- list(kg = .0012, kd = .012, omega_kg = .7, omega_kd = .6, b = .2)
lesions <- do.call(rbind, lapply(1:n, function(i) {
  v0 <- round(exp(rnorm(1, 7.5, .8)), 1)
  kg <- truth$kg * exp(rnorm(1, 0, truth$omega_kg))
  kd <- truth$kd * exp(rnorm(1, 0, truth$omega_kd))
  day <- 56 * seq_len(sample(3:7, 1)) + sample(-4:4, 1)
  v <- v0 * (exp(kg * day) + exp(-kd * day) - 1)
  y <- round(v * (1 + truth$b * rnorm(length(day))), 1)
  data.frame(
    lesion = i, day = c(0, day), volume = c(v0, pmax(y, limit)), v0 = v0,
    is_censored = c(0, as.integer(y < limit))
  )
}))
write.csv(lesions, "lesions.csv", row.names = FALSE)
after <- subset(lesions, day > 0)

# log p(y | kg, kd, b) of every row; a censored one is between 0 and the limit, or only below it, or
# taken as measured.
row_loglik <- function(d, kg, kd, b, convention = "interval") {
  v <- d$v0 * (exp(kg * d$day) + exp(-kd * d$day) - 1)
  sd <- b * v
  measured <- dnorm(d$volume, v, sd, log = TRUE)
  if (convention == "as_observed") return(measured)
  low <- if (convention == "interval") pnorm(0, v, sd) else 0
  ifelse(d$is_censored == 1, log(pmax(pnorm(d$volume, v, sd) - low, 0)), measured)
}
given <- data.frame(lesion = 1:n, kg = .0015 * exp(.1 * (1:n %% 7 - 3)), kd = .01 * exp(.15 * (1:n %% 5 - 2)))
# The baseline counts: its density at itself.
at_given <- sapply(c("interval", "ignore_lower", "as_observed"), function(convention) {
  k <- lesions$lesion
  rows <- row_loglik(lesions, given$kg[k], given$kd[k], .25, convention)
  as.vector(rowsum(rows, k))
})

# Integration over both random effects: the trapezoid rule on a square of 8 standard deviations, whose
# error falls faster than any power of the step.
step <- .08
z <- seq(-6, 6, by = step)
grid <- expand.grid(z1 = z, z2 = z)
log_prior <- with(grid, dnorm(z1, log = TRUE) + dnorm(z2, log = TRUE)) + 2 * log(step)
parts <- split(after, after$lesion)
log_terms <- function(d, theta) {
  kg <- exp(theta[1] + exp(theta[3]) * grid$z1)
  kd <- exp(theta[2] + exp(theta[4]) * grid$z2)
  total <- log_prior
  for (i in seq_len(nrow(d))) total <- total + row_loglik(d[rep(i, nrow(grid)), ], kg, kd, exp(theta[5]))
  total
}
fast_terms <- function(d, theta) {
  # The same, each of the two exponentials once per node.
  b <- exp(theta[5])
  kg <- exp(theta[1] + exp(theta[3]) * z)
  kd <- exp(theta[2] + exp(theta[4]) * z)
  total <- matrix(dnorm(z, log = TRUE), length(z), length(z)) + rep(dnorm(z, log = TRUE), each = length(z)) + 2 * log(step)
  for (i in seq_len(nrow(d))) {
    v <- d$v0[i] * (outer(exp(pmin(kg * d$day[i], 500)), exp(-kd * d$day[i]), "+") - 1)
    total <- total + if (d$is_censored[i] == 1) {
      log(pmax(pnorm(limit, v, b * v) - pnorm(-1 / b), 0)) # the difference rounds to less than 0
    } else {
      -.5 * ((d$volume[i] - v) / (b * v))^2 - log(b * v) - .5 * log(2 * pi)
    }
  }
  total
}
stopifnot(all.equal(as.vector(fast_terms(parts[[1]], log(c(.001, .01, .7, .6, .2)))),
  log_terms(parts[[1]], log(c(.001, .01, .7, .6, .2))), tolerance = 1e-12))
log_sum <- function(x) max(x) + log(sum(exp(x - max(x))))
minus_loglik <- function(theta) -sum(sapply(parts, function(d) log_sum(fast_terms(d, theta))))
best <- optim(log(unlist(truth)), minus_loglik, method = "BFGS", control = list(reltol = 1e-13))
again <- optim(log(c(.003, .005, 1, 1, .3)), minus_loglik, method = "BFGS", control = list(reltol = 1e-13))
information <- hessian(minus_loglik, best$par)
natural <- exp(best$par)
posterior <- t(sapply(parts, function(d) {
  w <- fast_terms(d, best$par)
  w <- exp(w - max(w))
  w <- w / sum(w)
  m1 <- sum(w * z)
  m2 <- sum(w * rep(z, each = length(z)))
  s1 <- sqrt(sum(w * z^2) - m1^2)
  s2 <- sqrt(sum(w * rep(z, each = length(z))^2) - m2^2)
  c(
    mean_log_kg = best$par[[1]] + natural[[3]] * m1, mean_log_kd = best$par[[2]] + natural[[4]] * m2,
    sd_log_kg = natural[[3]] * s1, sd_log_kd = natural[[4]] * s2
  )
}))
write.csv(format(cbind(given, at_given, posterior), digits = 15, trim = TRUE), "lesions_reference.csv",
  row.names = FALSE, quote = FALSE)
answers <- list(
  limit = limit, b_given = .25, estimate = as.list(setNames(natural, names(truth))),
  se = as.list(setNames(natural * sqrt(diag(solve(information))), names(truth))),
  minus2ll = 2 * best$value, minus2ll_from_another_start = 2 * again$value,
  given = list(kg = .001, kd = .01, omega_kg = .5, omega_kd = .8, b = .25,
    minus2ll = 2 * minus_loglik(log(c(.001, .01, .5, .8, .25)))),
  versions = list(R = R.version.string, numDeriv = as.character(packageVersion("numDeriv")))
)
write_json(answers, "reference.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
print(unlist(answers))
print(sum(after$is_censored))
