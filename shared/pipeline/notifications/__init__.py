"""What config-api and the notifier agree about: rules, channels and the test of a channel; pure."""
