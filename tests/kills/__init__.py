"""Random kills: a whole market under load, parts of which are killed again and again, and a verdict after each epoch."""
