"""The whole site: the application with all its routes, what holds for every request, and the process that serves it."""
