"""Fits the constants of serving to published runs and shows the errors on the others."""
