"""What a list of firms is given away as."""

from services.kernel.exports import Format

EXPORT_ROWS_MAX = 50_000
FORMATS = (Format.CSV, Format.NDJSON, Format.XLSX)
