"""A report as a workbook that recalculates in Excel and LibreOffice to what Tunecase would say.

Finance people do not trust a number that they cannot recalculate. `build` puts the sheets together;
`live` keeps every formula and its value in one expression.
"""

from app.exports.workbook.build import workbook_bytes
from app.exports.workbook.files import MEDIA_TYPE, disposition, file_name
from app.exports.workbook.paper import LONGEST_LINK

__all__ = ["LONGEST_LINK", "MEDIA_TYPE", "disposition", "file_name", "workbook_bytes"]
