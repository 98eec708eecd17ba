"""One firm, one file (一企一档): finding firms, reading all of one, and exporting lists."""
