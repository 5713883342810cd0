"""Signing in with a mail provider once, so that a mailbox gets its refresh token (OAuth 2).

`by_device_code` needs no browser on this machine; `by_browser` is for providers that give no mail access that way.
"""

from dmarq.authorize.browser import by_browser
from dmarq.authorize.device import DeviceCode, by_device_code

__all__ = ["DeviceCode", "by_browser", "by_device_code"]
