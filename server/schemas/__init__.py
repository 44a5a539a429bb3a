"""The bodies of requests and answers, a noun a file."""
