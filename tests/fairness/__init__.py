"""One user's work beside another's: a user with much data, outsiders with many connections."""
