"""The benchmarks: each measures ratios or budgets in one run and says whether its target is met."""
