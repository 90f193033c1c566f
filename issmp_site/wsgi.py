from __future__ import annotations

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "issmp_site.settings")

# A save comes back from Postgres a dozen times and each time asks for the interpreter's lock;
# beside a thread that renders a form it would wait five milliseconds for it, by Python's default.
sys.setswitchinterval(0.0005)

application = get_wsgi_application()

# What was loaded stays, so the collector need not look at it ever again; and a page makes thousands
# of objects that nothing holds on to when it is done, so looking after each 700 finds nothing.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
