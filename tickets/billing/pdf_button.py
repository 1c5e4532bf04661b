"""Documents as PDF, behind the admin's log-in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from .documents import pdf

DocumentMethod = Callable[..., dict[str, Any]]
PageMethod = Callable[..., HttpResponse]


def pdf_link(title: str = "PDF") -> Callable[[DocumentMethod], PageMethod]:
    """Make ``method(self, obj) -> document`` a link to the document as PDF, for
    whoever may see the page.
    """

    def decorate(method: DocumentMethod) -> PageMethod:
        @wraps(method)
        def show(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
            obj = self.get_object(request, unquote(object_id))
            if not self.has_view_permission(request, obj):
                raise PermissionDenied
            if obj is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            document = method(self, obj)
            headers = {"Content-Disposition": f'inline; filename="{pdf.file_name(document)}"'}
            return HttpResponse(
                pdf.render(document), content_type="application/pdf", headers=headers
            )

        return action(
            description=title,
            url_path=method.__name__.replace("_", "-"),
            icon="picture_as_pdf",
            attrs={"target": "_blank"},
        )(show)

    return decorate
