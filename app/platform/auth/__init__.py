"""Who is calling and what they may do: principal, scopes, and the verification of access tokens."""
