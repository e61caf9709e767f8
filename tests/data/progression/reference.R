# Simulates organs.csv and first_event.csv and writes what R says of them: reference.json.
# Run in this folder: Rscript reference.R
suppressMessages({
  library(survival)
  library(jsonlite)
})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1722)

# 60 patients: which of four organs have metastases.
names <- c("liver", "lung", "node", "bone")
liver <- rbinom(60, 1, .6)
organs <- data.frame(
  liver = liver, lung = rbinom(60, 1, .3 + .3 * liver), node = rbinom(60, 1, .5 - .3 * liver),
  bone = rbinom(60, 1, .2)
)
write.csv(organs, "organs.csv", row.names = FALSE)
pairs <- apply(combn(4, 2), 2, function(k) {
  both <- table(factor(organs[[k[1]]], 1:0), factor(organs[[k[2]]], 1:0))
  half <- both + .5
  list(
    first = names[k[1]], second = names[k[2]], lift = both[1, 1] * 60 / (sum(both[1, ]) * sum(both[, 1])),
    log_odds_ratio = log(half[1, 1] * half[2, 2] / (half[1, 2] * half[2, 1])),
    standard_error = sqrt(sum(1 / half)), p_value = fisher.test(both)$p.value
  )
})
adjusted <- p.adjust(sapply(pairs, `[[`, "p_value"), "BH")
pairs <- Map(function(pair, p) c(pair, p_adjusted = p), pairs, adjusted)

# A chain over four organs: the steady state is the first left eigenvector; steps to an organ by the
# fundamental matrix of Kemeny and Snell.
counts <- matrix(c(0, 7, 4, 2, 5, 1, 6, 3, 3, 8, 0, 4, 6, 2, 5, 1), 4, byrow = TRUE)
p <- counts / rowSums(counts)
left <- Re(eigen(t(p))$vectors[, 1])
steady <- left / sum(left)
z <- solve(diag(4) - p + matrix(steady, 4, 4, byrow = TRUE))
passage <- outer(1:4, 1:4, Vectorize(function(i, j) ((i == j) - z[i, j] + z[j, j]) / steady[j]))

# 220 patients: a new lesion (1), a death before it (2), neither (0). Days do not tie.
n <- 220
d <- data.frame(x1 = round(rnorm(n), 3), x2 = rbinom(n, 1, .4))
lesion <- rexp(n, .8 * exp(.6 * d$x1 - .4 * d$x2))
death <- rexp(n, .4 * exp(.3 * d$x1 + .5 * d$x2))
out <- runif(n, .3, 3)
d$time <- round(pmin(lesion, death, out), 9)
d$status <- ifelse(out < pmin(lesion, death), 0, ifelse(lesion < death, 1, 2))
stopifnot(!anyDuplicated(d$time))
write.csv(d, "first_event.csv", row.names = FALSE)
at <- 1
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15)
fits <- lapply(1:2, function(k) coxph(Surv(time, status == k) ~ x1 + x2, d, control = tight))
# Risk of a new lesion within a year: the sum of S(t-) dH1(t), S = prod(1 - dH1 - dH2).
jumps <- lapply(fits, function(fit) {
  h <- basehaz(fit, centered = FALSE)
  data.frame(time = h$time, jump = diff(c(0, h$hazard)))
})
risk <- sapply(seq_len(n), function(i) {
  r <- sapply(fits, function(fit) exp(sum(coef(fit) * unlist(d[i, c("x1", "x2")]))))
  keep <- jumps[[1]]$time <= at # all times, in both
  h1 <- jumps[[1]]$jump[keep] * r[1]
  h2 <- jumps[[2]]$jump[keep] * r[2]
  sum(c(1, head(cumprod(1 - h1 - h2), -1)) * h1)
})
cumulative <- function(rows) {
  summary(survfit(Surv(time, factor(status, 0:2)) ~ 1, rows), times = at, extend = TRUE)$pstate[1, 2]
}
observed <- cumulative(d)
pseudo <- sapply(seq_len(n), function(i) n * observed - (n - 1) * cumulative(d[-i, ]))
g <- survfit(Surv(time, status == 0) ~ 1, d)
before <- function(t) c(1, g$surv)[findInterval(t, g$time, left.open = TRUE) + 1]
end <- c(1, g$surv)[findInterval(at, g$time) + 1]
has_left <- d$time <= at & d$status != 0
weight <- ifelse(has_left, 1 / before(d$time), ifelse(d$time > at, 1 / end, 0))
case <- d$time <= at & d$status == 1
brier <- function(p) mean(weight * (case - p)^2)
control <- weight > 0 & !case
pair <- outer(weight[case], weight[control])
won <- outer(risk[case], risk[control], function(a, b) (a > b) + .5 * (a == b))
cloglog <- log(-log(1 - risk))
calibration <- glm(pseudo ~ cloglog,
  family = quasi(link = "cloglog", variance = "constant"), start = c(0, 1),
  control = glm.control(epsilon = 1e-14, maxit = 100)
)
benefit <- function(threshold) {
  treated <- risk >= threshold
  odds <- threshold / (1 - threshold)
  one <- cumulative(d[treated, ])
  list(
    threshold = threshold, model = mean(treated) * (one - (1 - one) * odds),
    treat_all = observed - (1 - observed) * odds
  )
}
answers <- list(
  pairs = pairs, chain = list(counts = counts, steady_state = steady, first_passage = passage),
  hazards = lapply(fits, function(fit) as.list(coef(fit))), risk = risk, pseudo = pseudo,
  accuracy = list(
    brier = brier(risk), null_brier = brier(observed), auc = sum(pair * won) / sum(pair), observed = observed,
    calibration_intercept = unname(coef(calibration)[1]), calibration_slope = unname(coef(calibration)[2])
  ),
  net_benefit = lapply(c(.2, .3, .4, .5), benefit),
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")))
)
write_json(answers, "reference.json", auto_unbox = TRUE, digits = NA, pretty = FALSE)
