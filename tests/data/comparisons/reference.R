# Simulates tests_input.csv and writes what base R says of it: tests_reference.json.
# Run in this folder: Rscript reference.R
library(jsonlite)
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1718)

# 90 lesions: a rate with few ties, a score with many, a shrinkage, and sizes before and after.
n <- 90
organs <- c("Bone", "Liver", "Lung", "Node")
d <- data.frame(id = 1:n, organ = sample(organs, n, TRUE), arm = sample(c("A", "B"), n, TRUE))
d$growth <- round(rnorm(n, c(.6, 1, .4, 0)[match(d$organ, organs)] + .3 * (d$arm == "B"), 1), 2)
d$score <- pmin(9, pmax(0, round(3 + 1.5 * d$growth + rnorm(n, 0, 2))))
d$shrink <- round(-.4 * d$growth + rnorm(n), 3)
d$pre <- round(exp(rnorm(n, 3, .5)), 1)
d$post <- round(d$pre * exp(rnorm(n, -.06, .25)), 1)
write.csv(d, "tests_input.csv", row.names = FALSE, quote = FALSE)

parts <- c("statistic", "parameter", "p.value", "estimate", "conf.int")
answer <- function(expression) {
  x <- suppressWarnings(expression) # "cannot compute exact p-value with ties"
  x <- lapply(x[intersect(parts, names(x))], function(v) if (is.null(names(v))) as.vector(v) else as.list(v))
  x[!sapply(x, is.null)]
}
# Dunn 1964, two-sided, variance corrected for ties, over all pairs.
dunn <- function(x, g) {
  g <- factor(g)
  n <- length(x)
  mean_rank <- tapply(rank(x), g, mean)
  size <- table(g)
  tied <- table(x)
  spread <- n * (n + 1) / 12 - sum(tied^3 - tied) / (12 * (n - 1))
  pair <- combn(levels(g), 2)
  z <- apply(pair, 2, function(p) {
    (mean_rank[p[1]] - mean_rank[p[2]]) / sqrt(spread * sum(1 / size[p]))
  })
  p <- 2 * pnorm(-abs(z))
  data.frame(
    a = pair[1, ], b = pair[2, ], z = z, p = p, p_bonferroni = p.adjust(p, "bonferroni"),
    p_holm = p.adjust(p, "holm"), p_bh = p.adjust(p, "BH")
  )
}
a <- d[d$arm == "A", ]
b <- d[d$arm == "B", ]
x <- c(.4, 2.6, 1.3, 3.1, 4.7)
y <- c(1.9, 3.6, 5.2, 2.2, 6.1, 4.05)
differences <- c(.7, -.4, 1.9, 2.2, -1.1, 3.05, .25, 1.45)
with_zero <- c(0, .3, .3, -.8, 2.1, 1.6, -.2, 2.7, 0)
px <- c(12.1, 15.4, 9.8, 11.3, 17.2, 10.6, 14.9, 13.7)
py <- c(3.3, 4.9, 2.7, 3.9, 4.4, 2.2, 5.1, 3.6)
p <- c(.0004, .003, .012, .03, .031, .047, .08, .21, .44, .8)
answers <- list(
  wilcox = list(
    growth_arm = answer(wilcox.test(a$growth, b$growth, conf.int = TRUE)),
    growth_arm_nocorrect = answer(wilcox.test(a$growth, b$growth, correct = FALSE)),
    growth_arm_less = answer(wilcox.test(a$growth, b$growth, alternative = "less")),
    score_arm_ties = answer(wilcox.test(a$score, b$score)),
    small_exact = c(list(x = x, y = y), answer(wilcox.test(x, y, conf.int = TRUE))),
    paired = answer(wilcox.test(d$pre, d$post, paired = TRUE, conf.int = TRUE)),
    signed_rank_small_exact = c(list(x = differences), answer(wilcox.test(differences))),
    signed_rank_zero = c(list(x = with_zero), answer(wilcox.test(with_zero)))
  ),
  kruskal = list(
    growth_organ = answer(kruskal.test(growth ~ organ, d)),
    score_organ_ties = answer(kruskal.test(score ~ organ, d))
  ),
  dunn = list(growth_organ = dunn(d$growth, d$organ), score_organ = dunn(d$score, d$organ)),
  cor = list(
    kendall_ties = answer(cor.test(d$growth, d$score, method = "kendall")),
    kendall_growth_shrink = answer(cor.test(d$growth, d$shrink, method = "kendall")),
    kendall_continuity = answer(cor.test(d$growth, d$score, method = "kendall", continuity = TRUE)),
    kendall_exact_small = c(list(x = px, y = py), answer(cor.test(px, py, method = "kendall"))),
    pearson = answer(cor.test(d$growth, d$shrink)),
    pearson_prepost = answer(cor.test(d$pre, d$post)),
    spearman_ties = answer(cor.test(d$growth, d$score, method = "spearman")),
    spearman_small_exact = answer(cor.test(px, py, method = "spearman"))
  ),
  padjust = list(
    p = p, bonferroni = p.adjust(p, "bonferroni"), holm = p.adjust(p, "holm"), BH = p.adjust(p, "BH")
  ),
  versions = list(R = R.version.string)
)
write_json(answers, "tests_reference.json", auto_unbox = TRUE, digits = NA, pretty = TRUE, na = "null")
