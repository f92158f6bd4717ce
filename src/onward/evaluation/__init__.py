"""Evaluation of the exported file on the test set: baselines, intervals, diagnostics."""
