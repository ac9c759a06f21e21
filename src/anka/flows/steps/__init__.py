"""What several flows share. A step requires an open transaction and never opens one."""
