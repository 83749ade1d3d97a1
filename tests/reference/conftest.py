"""The tables here are made with libraries that the suite does not have."""

collect_ignore = ["make_tables.py"]
