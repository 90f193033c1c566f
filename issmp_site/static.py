"""How static files are served: compressed, and named after their content so they may be kept for
ever. Our ES modules import each other, so the names inside their imports are rewritten too."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True
