"""How what a source says of an offer runs over time, and what that tells of the source."""
