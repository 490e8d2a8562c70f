"""What is listed on the Korea Exchange, refreshed weekly."""
