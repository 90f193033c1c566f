"""The one-machine default: a real Postgres and a real Redis of our own, the worker, beat and the
web server, under one roof. Started by `manage.py up`; `manage.py test` uses the two servers alone.

Django is not imported here: it runs in the processes that this package starts.
"""
