"""The finished file on held-out rows: baselines, intervals, diagnostics."""
