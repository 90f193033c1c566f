"""How static files are served: compressed, and named after their content so they may be kept for
ever. Our ES modules import each other, so the names inside their imports are rewritten too."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Whole lines only: what a line of ours begins with `//` or `/**` is a comment. One that code
# follows on its line, as a cast, stays.
_COMMENTS: Final = re.compile(
    rb"^[ \t]*(?://[^\n]*|/\*\*(?:(?!\*/)[\s\S])*\*/)[ \t]*\n", re.MULTILINE
)


def without_comments(source: bytes) -> bytes:
    """A script of ours as it goes over the wire. Comments and JSDoc are a quarter of what a
    candidate's browser would have to load before the first question."""
    return _COMMENTS.sub(b"", source)


_glob, _rules = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True
    # Without the rule for `import("...")`: we load nothing later, and in a JSDoc comment that names
    # a type. Two modules that name each other's types would be renamed for ever.
    _js_module_import_aggregation_patterns = (
        _glob,
        tuple(rule for rule in _rules if r"import\(" not in rule[0]),
    )

    @cache  # noqa: B019  there is one storage, and what it names stays
    def url(self, name: str, force: bool = False) -> str:
        """A page names twenty files, and working one out costs as much as a line of it."""
        address: str = super().url(name, force)
        return address

    def _save(self, name: str, content: Any) -> str:
        if name.startswith("js/") and name.endswith(".js"):
            content.seek(0)
            content = ContentFile(without_comments(content.read()))
        saved: str = super()._save(name, content)
        return saved
