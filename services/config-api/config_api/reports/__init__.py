"""Reports: searched, shown and exported."""
