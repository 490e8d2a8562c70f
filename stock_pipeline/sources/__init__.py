"""One file per upstream: each speaks its wire and turns its codes into our errors."""
