"""Tunecase: the business case for adapting a language model."""

__version__ = "0.1.0"
