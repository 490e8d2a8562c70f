"""The Korean dashboard and the API beside it: server-rendered, from this machine alone."""
