"""Who is logged in: allauth's backend, with the person of a session read by a statement made
beforehand.

Every request of a person reads them, and Django's query compiler takes longer over it than Postgres
does.
"""

from __future__ import annotations

from functools import cache

from allauth.account.auth_backends import AuthenticationBackend
from django.db import connection

from accounts.models import User


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth is not typed
    def get_user(self, user_id: int) -> User | None:
        statement, names = _by_pk()
        with connection.cursor() as cursor:
            cursor.execute(statement, [user_id])
            row = cursor.fetchone()
        if row is None:
            return None
        user = User.from_db(connection.alias, names, row)
        return user if self.user_can_authenticate(user) else None


@cache
def _by_pk() -> tuple[str, list[str]]:
    """What Django itself asks for a person, and the name of each column it gets."""
    statement, _ = User.objects.filter(pk=0).query.sql_with_params()
    return statement, [field.attname for field in User._meta.concrete_fields]
