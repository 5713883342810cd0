"""The page that is shown instead of the one asked for."""

from flask import render_template


def error_page(status: int, title: str, text: str) -> str:
    """A page in the usual frame: `status` chooses the advice, `text` says what happened."""
    return render_template("error.html", status=status, title=title, text=text)
