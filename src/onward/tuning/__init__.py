"""Tuning: a search for better training settings, on the rows that ``prepare`` wrote."""
