"""Fits the estimator's constants to published runs, and measures it on runs left out."""
