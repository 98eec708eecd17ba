"""Facts of firms, by the year and as of a day: stated by their owners, superseded one by one."""
