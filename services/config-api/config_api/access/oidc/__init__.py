"""Signing in with an OpenID Connect provider: the code flow with PKCE. Only this package asks anybody outside."""
