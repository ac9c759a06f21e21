"""Issuers of keys: whoever made a key and knows whether it was redeemed."""
