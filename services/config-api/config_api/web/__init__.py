"""The web: the app, its security, its errors, and what the pages and the API share."""
