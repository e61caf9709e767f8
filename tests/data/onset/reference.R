# Numbers of visible metastases and days of onset, by numerical integration and root search:
# reference.csv. Run in this folder: Rscript reference.R
size <- function(t, alpha, beta) {
  exp(if (beta == 0) alpha * t else alpha / beta * (1 - exp(-beta * t)))
}
cells <- function(mm) pi / 6 * mm^3 * 1e6
age <- function(mm, alpha, beta) {
  uniroot(function(t) log(size(t, alpha, beta)) - log(cells(mm)), c(0, 2e4), tol = 1e-12)$root
}
integral <- function(f, from, to) {
  if (to <= from) return(0)
  # By pieces: most of it lies near the end.
  edges <- seq(from, to, length.out = 33)
  sum(mapply(function(a, b) integrate(f, a, b, rel.tol = 1e-12)$value, edges[-33], edges[-1]))
}
visible <- expand.grid(
  alpha = .011, beta = c(0, .0004), mu = 3e-11, gamma = c(1, 2 / 3), d_diag_mm = 22, d_vis_mm = 6,
  dormancy = c(0, 120), days_after = c(300, 900), log_sd = c(0, 1.5)
)
visible$mu <- visible$mu * ifelse(visible$gamma == 1, 1, 1e3)
visible$mean <- apply(visible, 1, function(p) {
  p <- as.list(p)
  diagnosis <- age(p$d_diag_mm, p$alpha, p$beta)
  until <- min(diagnosis + p$days_after - age(p$d_vis_mm, p$alpha, p$beta) - p$dormancy, diagnosis)
  p$mu * integral(function(t) size(t, p$alpha, p$beta)^p$gamma, 0, until)
})
visible$any <- mapply(function(mean, log_sd) {
  if (log_sd == 0) return(1 - exp(-mean))
  integrate(function(z) dnorm(z) * (1 - exp(-mean * exp(log_sd * z))), -9, 9, rel.tol = 1e-11)$value
}, visible$mean, visible$log_sd)
write.csv(format(visible, digits = 15, trim = TRUE), "visible.csv", row.names = FALSE, quote = FALSE)

# Quantiles of the onset of a lesion that grows at a normal rate, cut off at 0: P(onset <= x) by
# integrating over the rates, the quantile by search.
onset <- expand.grid(rate = c(.006, .02), rate_sd = .002, d_mm = c(8, 25), day = -14, share = c(.025, .5, .975))
onset$onset_day <- apply(onset, 1, function(p) {
  p <- as.list(p)
  log_ratio <- log(cells(p$d_mm))
  above <- integrate(dnorm, 0, Inf, p$rate, p$rate_sd, rel.tol = 1e-12)$value
  share_before <- function(x) {
    # the onset is before x where the rate is below log_ratio / (day - x)
    integrate(dnorm, 0, log_ratio / (p$day - x), p$rate, p$rate_sd, rel.tol = 1e-12)$value / above
  }
  uniroot(function(x) share_before(x) - p$share, c(-1e5, p$day - 100), tol = 1e-9)$root
})
write.csv(format(onset, digits = 15, trim = TRUE), "onset.csv", row.names = FALSE, quote = FALSE)
