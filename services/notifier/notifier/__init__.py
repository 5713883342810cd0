"""The notifier: alerts, digests and webhooks, by a consumer of the bus."""
