"""What companies filed with DART."""
