"""What subscribers get by mail: the letters, who receives them, and what was sent."""
