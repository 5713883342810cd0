"""Ctrl-C and SIGTERM end a command in the same way, wherever it was started."""

import signal


def end_by_signal() -> None:
    """From now on both raise KeyboardInterrupt in the main thread.

    A shell without job control, `nohup` and many CI runners start what they put into the background with SIGINT
    ignored; Python leaves it so, and a command would not end by it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
