"""Hooks into what calls an application: servers of ASGI and WSGI, workers of Celery and RQ."""
