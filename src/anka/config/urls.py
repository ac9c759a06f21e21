"""Addresses. The API's dispatcher serves its own in front of Django; what carries a session's cookie comes here."""

from django.urls import URLPattern, URLResolver, path, re_path

from anka.api.django_view import page_of, view_of
from anka.api.routes import TAGS
from anka.config import api
from anka.config.settings import ENVIRONMENT
from anka.web.urls import pages

_api = view_of(api.dispatcher(ENVIRONMENT), api.session_of, api.renew_session)

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/docs", page_of(api.routes_of(ENVIRONMENT), TAGS)),
    re_path(r"^(?:api/|livez$|readyz$|metrics$)", _api),
    *pages,
]

handler400 = "anka.web.errors.bad_request"
handler403 = "anka.web.errors.permission_denied"
handler404 = "anka.web.errors.page_not_found"
handler500 = "anka.web.errors.server_error"
