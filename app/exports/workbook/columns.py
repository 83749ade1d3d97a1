"""The columns that the sheets by month share, so that a month stands in the same one on all."""

LABEL, CATEGORY, NATURE, UNIT, PRICE, QUANTITY, TOTAL, PRESENT, FIRST_MONTH = range(9)
WIDTHS = (56.0, 13.0, 8.0, 15.0, 13.0, 15.0, 16.0, 16.0)
MONTH_WIDTH = 13.0
