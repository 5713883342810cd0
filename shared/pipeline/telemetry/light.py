"""To be imported first by a service that must stay small: structlog without rich, which it loads where it is installed.

Beside the `dmarq` command it is, and costs 3 MB in each process for tracebacks that no log of ours shows.
"""

import sys
from importlib import import_module
from typing import Any, cast

if "rich" not in sys.modules:
    modules = cast(dict[str, Any], sys.modules)
    modules["rich"] = None  # what Python takes for "not to be imported"
    import_module("structlog.dev")
    del modules["rich"]
