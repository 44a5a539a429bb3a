"""The FastAPI application: REST, live events, pages."""
