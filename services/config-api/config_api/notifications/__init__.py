"""Settings > Notifications: channels, rules, mutes and the history of alerts, for programs and people."""
