"""The figures that pages, API and mails show: each is read in one place, point in time."""
