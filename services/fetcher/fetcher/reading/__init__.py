"""Reading a folder: what is new, or to be read again, is searched, filtered, downloaded and published."""
