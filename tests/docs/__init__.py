"""What the documents tell people to do is done here, word for word."""
